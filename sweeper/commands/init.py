"""`slimtune init`: a first config for one's own rows, by five questions or by flags."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from slimtune.sweeper.commands.arguments.new_file import check_free

if TYPE_CHECKING:
    from slimtune.sweeper.starting.questions import Flags


def run(arguments: Sequence[str]) -> int:
    """Ask what flags have not said, and write the file.

    Raises:
        UserError: The rows cannot be read, nothing can be guessed from them, or the file is there.
    """
    parser = command_parser()
    options = parser.parse_args(arguments)
    from slimtune.sweeper.starting.first_config import first_config
    from slimtune.sweeper.starting.questions import on_terminal, settled_config, shown_columns
    from slimtune.training.atomic_files import write_text

    if options.output is not None:
        check_free(Path(options.output), force=options.force)
    asks = sys.stdin.isatty() and not options.yes
    settled = settled_config(_given(options), on_terminal if asks else None)
    path = Path(options.output or f"{settled.name}.yaml")
    check_free(path, force=options.force)
    write_text(path, first_config(settled, str(path)))
    alike = settled.guess.alike
    told = [] if alike is None else [f"pairs with the label '{alike}' are taken for alike (task.alike_label)"]
    print("\n".join([f"columns of {settled.data}:", *shown_columns(settled.columns), *told, f"written: {path}"]))
    print(f"next: slimtune check --config {shlex.quote(str(path))}")
    return 0


def command_parser() -> argparse.ArgumentParser:
    """What can be given on the command line."""
    parser = argparse.ArgumentParser(prog="slimtune init", description=__doc__)
    parser.add_argument("--data", help="rows: a file, folder or pattern")
    parser.add_argument("--task", help="what is learned, e.g. classification or generation")
    parser.add_argument("--text-column", help="column of the text, or of the prompt")
    parser.add_argument("--text-pair-column", help="column of the second text, for pairs")
    parser.add_argument("--target-column", help="column of the label, the spans or the answer")
    parser.add_argument("--alike-label", help="of two labels of pairs, that of pairs that are alike, e.g. duplicate")
    parser.add_argument("--model", help="a folder, a name of the hub, minilm or tiny_llama")
    parser.add_argument("--trials", type=int, help="trials of the search")
    parser.add_argument("--name", help="of the sweep (default: the file's)")
    parser.add_argument("--output", help="the config file (default: <name>.yaml)")
    parser.add_argument("--force", action="store_true", help="replace a file that is there")
    parser.add_argument("-y", "--yes", action="store_true", help="ask nothing: take what the rows seem to be for")
    return parser


def _given(options: argparse.Namespace) -> "Flags":
    from slimtune.sweeper.starting.questions import Flags

    return Flags(
        data=options.data,
        task=options.task,
        text_column=options.text_column,
        pair_column=options.text_pair_column,
        target_column=options.target_column,
        alike_label=options.alike_label,
        model=options.model,
        n_trials=options.trials,
        name=options.name,
    )
