"""`slimtune import`: a config of LLaMA-Factory, Axolotl, Olive or the Trainer as one of slimtune."""

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path

from slimtune.export.commands.command_parser import CommandParser
from slimtune.sweeper.commands.arguments.new_file import check_free
from slimtune.training.listed_names import counted
from slimtune.training.usual_places import at_home


def run(arguments: Sequence[str]) -> int:
    """Translate a file.

    Raises:
        UserError: It cannot be read, nobody knows whose it is, or the new file is there already.
    """
    from slimtune.sweeper.translation.config_text import config_text, told_parts
    from slimtune.sweeper.translation.next_steps import next_steps
    from slimtune.sweeper.translation.translate import Tool, foreign_config, tool_of, translate
    from slimtune.training.atomic_files import write_text

    options = command_parser().parse_args(arguments)
    source = Path(options.file)
    config = foreign_config(source)
    found = translate(config, Tool(options.tool) if options.tool else tool_of(config), source.parent)
    path = Path(options.output or f"{source.stem}.slimtune.yaml")
    check_free(path, force=options.force)
    write_text(path, config_text(found, options.file, shlex.quote(str(path))))
    num_keys = len({*found.taken, *found.left, *found.anyway})
    print(f"a config of {found.tool.value}: {len(found.taken)} of {counted(num_keys, 'key')} taken over")
    for title, keys in told_parts(found):
        print(f"{title}:")
        for name, told in keys.items():
            print(f"  {name}: {told}")
    print("\n".join([f"written: {path}", *next_steps(found, str(path))]))
    return 0


def command_parser() -> argparse.ArgumentParser:
    """What can be given on the command line."""
    from slimtune.sweeper.translation.translate import Tool

    tools = [tool.value for tool in Tool]
    parser = CommandParser(prog="slimtune import", description=__doc__)
    parser.add_argument("file", type=at_home, help="YAML or JSON of the other tool")
    parser.add_argument("--from", dest="tool", choices=tools, help="whose it is (default: seen from its keys)")
    parser.add_argument("--output", type=at_home, help="the config file (default: <name>.slimtune.yaml)")
    parser.add_argument("--force", action="store_true", help="replace a file that is there")
    return parser
