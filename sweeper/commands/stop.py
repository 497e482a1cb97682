"""`slimtune stop`: running trials end at their next step with their state saved, and no new one begins."""

import argparse
import socket
import time
from collections.abc import Sequence

from slimtune.export.commands.command_parser import CommandParser
from slimtune.sweeper.commands.arguments.sweep_argument import add_sweep, sweep_of, told_words
from slimtune.training.listed_names import told_ended
from slimtune.training.user_id import user_name

POLL_SECONDS = 0.5


def run(arguments: Sequence[str]) -> int:
    """Ask a sweep to stop, and wait until it has.

    Raises:
        StoreError: There is no such sweep.
    """
    options = command_parser().parse_args(arguments)
    found = sweep_of(options)
    from slimtune.sweeper.reporting.sweep_status import SweepState, sweep_status
    from slimtune.sweeper.study.loaded import load_roster

    status = sweep_status(found.storage, found.name)
    roster = load_roster(found.storage, found.name)
    if roster is None or not (status.launchers or status.workers):
        print(f"the sweep '{found.name}' is not running ({status.state.value}); nothing was stopped")
        return 0
    roster.ask_to_stop(f"{user_name()}@{socket.gethostname()}", now=options.now)
    if options.no_wait:
        print(f"the sweep '{found.name}' is asked to stop")
        return 0
    while status.launchers or status.workers:
        time.sleep(POLL_SECONDS)
        status = sweep_status(found.storage, found.name)
    ended = sum(trial.finished for trial in status.trials)
    if status.state is SweepState.ended:
        print(f"the sweep '{found.name}' had ended before it heard of it")
    else:
        print(f"stopped: {told_ended(ended, status.budget)}. To resume: slimtune resume {told_words(options, found)}")
    return 0


def command_parser() -> argparse.ArgumentParser:
    """What can be given on the command line."""
    parser = CommandParser(prog="slimtune stop", description=__doc__)
    add_sweep(parser)
    parser.add_argument(
        "--now", action="store_true", help="end running trials at once; they resume from what they saved before"
    )
    parser.add_argument("--no-wait", action="store_true", help="do not wait until it has stopped")
    return parser
