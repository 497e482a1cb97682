"""`slimtune train`."""

import argparse
import logging
from collections.abc import Sequence

from slimtune.export.commands.terminal_text import print_page
from slimtune.sweeper.commands.arguments.overrides import composing_parser

HELP = """\
usage: slimtune train [override ...]

Run one trial of the same config that `slimtune sweep` takes, without a search. See slimtune sweep --help.

  slimtune train experiment=tone fit.learning_rate=1e-3 method.r=16
"""


def run(arguments: Sequence[str]) -> int:
    """Run one trial.

    Raises:
        UserError: Bad input.
    """
    if set(arguments) & {"-h", "--help"}:
        print_page(HELP)
        return 0
    from slimtune.sweeper.hydra_app.app import run_app

    logging.captureWarnings(True)
    run_app(arguments, sweep=False)
    return 0


def command_parser() -> argparse.ArgumentParser:
    """What can be given on the command line."""
    return composing_parser("train", __doc__)
