"""`slimtune check`: what a sweep will need, tried before it is begun."""

import argparse
import logging
from collections.abc import Sequence

from slimtune.export.commands.terminal_text import print_page
from slimtune.sweeper.commands.arguments.overrides import composing_parser

CAMPAIGN = "slimtune.sweeper.campaigns.tuning.Checking"
HELP = """\
usage: slimtune check [override ...]

Try what `slimtune sweep` or `slimtune train` with the same arguments will need: config, rows, model, export, names,
folders and disk. Every problem is told at once; nothing is trained, and nothing but encoded data is kept.

  slimtune check experiment=tone export.target.static_length=64
"""


def run(arguments: Sequence[str]) -> int:
    """Run the preflight alone.

    Raises:
        UserError: What would end the sweep.
    """
    if set(arguments) & {"-h", "--help"}:
        print_page(HELP)
        return 0
    from slimtune.sweeper.hydra_app.app import run_app

    logging.captureWarnings(True)
    run_app([*arguments, f"hydra.sweeper.campaign={CAMPAIGN}"], sweep=True)
    return 0


def command_parser() -> argparse.ArgumentParser:
    """What can be given on the command line."""
    return composing_parser("check", __doc__)
