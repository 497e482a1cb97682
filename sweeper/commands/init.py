"""`slimtune init`: a first config for one's own rows, by five questions or by flags."""

import argparse
import codecs
import shlex
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from slimtune.export.commands.command_parser import CommandParser
from slimtune.export.commands.terminal_text import broken_at_blanks
from slimtune.sweeper.commands.arguments.new_file import check_free
from slimtune.training.usual_places import at_home

if TYPE_CHECKING:
    from slimtune.sweeper.starting.questions import Flags


def run(arguments: Sequence[str]) -> int:
    """Ask what flags have not said, and write the file.

    Raises:
        UserError: The rows cannot be read, nothing can be guessed from them, or the file is there.
    """
    parser = command_parser()
    options = parser.parse_args(arguments)
    from slimtune.sweeper.starting.asking import as_guessed, on_terminal
    from slimtune.sweeper.starting.column_choice import told_choice
    from slimtune.sweeper.starting.first_config import first_config
    from slimtune.sweeper.starting.questions import seen_rows, settled_config, shown_columns
    from slimtune.training.atomic_files import write_text

    if options.output is not None:
        check_free(Path(options.output), force=options.force)
    given, ask = _given(options), on_terminal if sys.stdin.isatty() and not options.yes else as_guessed
    rows = seen_rows(given, ask)
    # before the questions about them
    _show([f"columns of {rows.data}:", *shown_columns(rows.columns)])

    def path_of(name: str) -> Path:
        return Path(options.output or f"{name}.yaml")

    def named(name: str) -> str:
        check_free(path_of(name), force=options.force)
        return name

    settled = settled_config(given, rows, ask, named=named)
    path = path_of(settled.name)
    write_text(path, first_config(settled, str(path)))
    _show(told_choice(settled))
    # to be copied, so never broken
    print(f"written: {path}")
    print(f"next: slimtune check --config {shlex.quote(str(path))}")
    return 0


def _show(lines: Iterable[str]) -> None:
    print(broken_at_blanks("\n".join(lines), sys.stdout), flush=True)


def command_parser() -> argparse.ArgumentParser:
    """What can be given on the command line."""
    parser = CommandParser(prog="slimtune init", description=__doc__)
    parser.one_only = "rows are named by a flag: --data ROWS"
    # each also as the key is called that the file writes
    parser.add_argument("--data", "--train-file", metavar="ROWS", help="rows: a file, folder or pattern")
    parser.add_argument("--encoding", type=known_encoding, help="of text files that are not UTF-8, e.g. cp1252")
    parser.add_argument("--task", help="what is learned, e.g. classification or generation")
    of_text = "column of the text, or of the prompt; a prompt of several is data.text_template in the file"
    parser.add_argument("--text-column", metavar="COLUMN", help=of_text)
    parser.add_argument("--text-pair-column", metavar="COLUMN", help="column of the second text, for pairs")
    told = "column of the label, the spans or the answer"
    parser.add_argument("--label-column", "--target-column", dest="target_column", metavar="COLUMN", help=told)
    parser.add_argument("--alike-label", help="of two labels of pairs, that of pairs that are alike, e.g. duplicate")
    told = "a folder, a name of the hub, minilm, tiny_llama or tiny_t5"
    parser.add_argument("--model", "--name-or-path", metavar="MODEL", help=told)
    parser.add_argument("--trials", "--n-trials", metavar="N", type=int, help="trials of the search")
    parser.add_argument("--name", help="of the sweep (default: the file's)")
    parser.add_argument("--output", type=at_home, help="the config file (default: <name>.yaml)")
    parser.add_argument("--force", action="store_true", help="replace a file that is there")
    parser.add_argument("-y", "--yes", action="store_true", help="ask nothing: take what the rows seem to be for")
    return parser


def known_encoding(name: str) -> str:
    """A name that Python reads text by.

    Raises:
        ArgumentTypeError: It knows no such encoding.
    """
    try:
        codecs.lookup(name)
    except LookupError:
        raise argparse.ArgumentTypeError(f"Python knows no encoding {name!r}; use e.g. cp1252 or utf-16") from None
    return name


def _given(options: argparse.Namespace) -> "Flags":
    from slimtune.sweeper.starting.questions import Flags

    return Flags(
        data=options.data,
        encoding=options.encoding,
        task=options.task,
        text_column=options.text_column,
        pair_column=options.text_pair_column,
        target_column=options.target_column,
        alike_label=options.alike_label,
        model=options.model,
        n_trials=options.trials,
        name=options.name,
    )
