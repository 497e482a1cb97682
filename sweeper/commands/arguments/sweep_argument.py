"""The arguments by which commands are given a sweep."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from slimtune.export.commands.command_parser import CommandParser
from slimtune.sweeper.campaigns.named_sweep import NamedSweep, named_sweep
from slimtune.sweeper.reporting.places.sweep_words import sweep_words
from slimtune.training.listed_names import with_commas
from slimtune.training.usual_places import OUTPUTS, at_home, sweeps_under


def add_sweep(parser: argparse.ArgumentParser) -> None:
    """Its name or folder, and where it lies."""
    parser.add_argument("sweep", help="the sweep's name (search.name), or its folder")
    if isinstance(parser, CommandParser):
        parser.one_only = "it takes one sweep, and slimtune compare A B sets several beside each other"
        parser.there = sweeps_told
    add_outputs(parser)
    parser.add_argument("--storage", help="URL of the study, if search.storage was set")


def sweeps_told(words: Sequence[str]) -> str:
    """Names the sweeps in the folder that the words name, or in the usual one."""
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    add_outputs(parser)
    try:
        outputs = Path(parser.parse_known_args(words)[0].outputs)
    except argparse.ArgumentError:
        outputs = OUTPUTS
    names = sweeps_under(outputs)
    return f"sweeps in {outputs}: {with_commas(names)}" if names else f"there are no sweeps in {outputs}"


def add_outputs(parser: argparse.ArgumentParser) -> None:
    """Where sweeps lie by their names."""
    parser.add_argument(
        "--outputs", type=at_home, default=str(OUTPUTS), help=f"folder of the sweeps (default: {OUTPUTS})"
    )


def told_words(options: argparse.Namespace, found: NamedSweep) -> str:
    """What other commands are given for the sweep that was found; a study elsewhere by the URL that was given."""
    return sweep_words(found.name, found.folder, options.storage)


def sweep_of(options: argparse.Namespace) -> NamedSweep:
    """The sweep that is meant.

    Raises:
        StoreError: There is none.
    """
    return named_sweep(options.sweep, outputs=Path(options.outputs), storage=options.storage)
