"""`slimtune report`: all of a sweep as one HTML page, opened in the browser."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from slimtune.export.commands.command_parser import CommandParser
from slimtune.sweeper.commands.arguments.sweep_argument import add_sweep, sweep_of
from slimtune.training.errors import StoreError
from slimtune.training.stages import told_stage
from slimtune.training.usual_places import PAGE_FILE, at_home


def run(arguments: Sequence[str]) -> int:
    """Write the page and open it.

    Raises:
        StoreError: There is no such sweep, or the page cannot be written.
    """
    options = command_parser().parse_args(arguments)
    found = sweep_of(options)
    from slimtune.sweeper.report_page.page import page
    from slimtune.sweeper.report_page.sweep_facts import read_facts

    path = Path(options.out) if options.out else found.folder / PAGE_FILE
    with told_stage("reads the study"):
        facts = read_facts(found.storage, found.name, found.folder)
    with told_stage("draws the page"):
        text = page(facts)
    _write(path, text)
    print(path)
    if options.open and not _opened(path):
        print(f"no browser could be opened here; open {shlex.quote(str(path))} in one", file=sys.stderr)
    return 0


def command_parser() -> argparse.ArgumentParser:
    """What can be given on the command line."""
    parser = CommandParser(prog="slimtune report", description=__doc__)
    add_sweep(parser)
    parser.add_argument(
        "--out",
        type=at_home,
        metavar="FILE",
        help=f"where the page is written (default: {PAGE_FILE} in the sweep's folder)",
    )
    parser.add_argument("--no-open", dest="open", action="store_false", help="write the page, and open no browser")
    return parser


def _write(path: Path, text: str) -> None:
    from slimtune.training.atomic_files import write_text

    if path.is_dir():
        raise StoreError(f"--out {path} is a folder; give a file, e.g. --out {path / PAGE_FILE}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written ({error.strerror or error}); give another file with --out"
        ) from error


def _opened(path: Path) -> bool:
    """Whether a browser took the page."""
    import webbrowser

    try:
        return webbrowser.open(path.absolute().as_uri())
    except (webbrowser.Error, OSError):
        return False
