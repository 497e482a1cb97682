"""`slimtune sync`: send what waits for a tracker."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from slimtune.export.commands.command_parser import CommandParser
from slimtune.sweeper.commands.arguments.sweep_argument import add_outputs
from slimtune.training.config.schema import suggestion
from slimtune.training.errors import StoreError
from slimtune.training.listed_names import counted
from slimtune.training.tracking.uri import tracking_uri
from slimtune.training.usual_places import home_path, sweeps_under


def run(arguments: Sequence[str]) -> int:
    """Send all, and say what was sent and what is left.

    Returns:
        0 when nothing is left, else 2.

    Raises:
        StoreError: There is no such sweep.
    """
    options = command_parser().parse_args(arguments)
    outputs = Path(options.outputs)
    places = [_place(given, outputs) for given in options.sweeps] or [outputs]
    # MLflow comes with it, if anything waits
    from slimtune.training.tracking.sync import sync

    is_whole = True
    uri = None if options.tracking_uri is None else tracking_uri(options.tracking_uri)
    for place in places:
        done = sync(place, uri=uri)
        is_whole = is_whole and not done.left
        print(f"{place}: {_sent(done.runs, done.entries)}")
        if done.busy:
            print(f"  {done.busy} running: sent by the command that runs")
        for left in done.left:
            print(f"  waits in {left.folder}: {left.why}")
    return 0 if is_whole else 2


def _sent(runs: int, entries: int) -> str:
    return f"sent {counted(entries, 'entry', 'entries')} of {counted(runs, 'run')}" if runs else "nothing was sent"


def _place(given: str, outputs: Path) -> Path:
    for folder in (outputs / given, home_path(given)):
        if folder.is_dir():
            return folder
    known = sweeps_under(outputs)
    near = suggestion(given, known) if known else "known: none"
    raise StoreError(f"there is no sweep '{given}' in {outputs.absolute()}, and no such folder; {near}")


def command_parser() -> argparse.ArgumentParser:
    """What can be given on the command line."""
    parser = CommandParser(prog="slimtune sync", description=__doc__)
    parser.add_argument(
        "sweeps", nargs="*", default=[], metavar="sweep", help="names or folders; without any, all in --outputs"
    )
    add_outputs(parser)
    parser.add_argument("--tracking-uri", help="send to this tracker, where another one was asked for")
    return parser
