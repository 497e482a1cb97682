"""`slimtune resume`: the command that began a sweep, given again, perhaps for more trials."""

import argparse
import os
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from slimtune.export.commands.command_parser import CommandParser
from slimtune.sweeper.campaigns.named_sweep import NamedSweep
from slimtune.sweeper.commands.arguments.overridable_keys import overridable_keys
from slimtune.sweeper.commands.arguments.sweep_argument import add_sweep, sweep_of, told_words
from slimtune.sweeper.space.override_text import override_value
from slimtune.training.errors import StoreError

if TYPE_CHECKING:
    from slimtune.sweeper.campaigns.recorded_command import RecordedCommand


def run(arguments: Sequence[str]) -> int:
    """Run a sweep on, or join it if it is running.

    Raises:
        StoreError: There is no such sweep, or its command is not known, or written by somebody else, or for a folder
            that it would go on in.
        UserError: As of `slimtune sweep`.
    """
    parser = command_parser()
    options, others = parser.parse_known_args(arguments)
    more = [*options.override, *others]
    if flags := [word for word in more if word.startswith("-")]:
        parser.error(f"unrecognized arguments: {' '.join(flags)}")
    found = sweep_of(options)
    from slimtune.sweeper.campaigns.recorded_command import read_command

    command = read_command(found.folder)
    place = command.working_folder(found.folder)
    command = command.rebased(place)
    added = [*_pinned(command, found, more), *more]
    words = command.words(added, n_trials=options.n_trials)
    _check(command, found, words, more, options)
    command.check_written(found.folder, found.storage, more)
    print(shlex.join(words), flush=True)
    os.chdir(place)
    if command.program:
        os.execv(words[0], words)
    from slimtune.sweeper.commands import sweep

    return sweep.run(words[2:])


def command_parser() -> argparse.ArgumentParser:
    """What can be given on the command line."""
    parser = CommandParser(prog="slimtune resume", description=__doc__, allow_abbrev=False, takes_keys=True)
    parser.keys = overridable_keys
    add_sweep(parser)
    parser.add_argument("--n-trials", type=_above_zero, help="trials in all, e.g. more than before")
    parser.add_argument("--trust", action="store_true", help="give a command that was written elsewhere")
    parser.add_argument(
        "override", nargs="*", default=[], help="added to those of the command, e.g. search.num_workers=2"
    )
    return parser


def _above_zero(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return int(text)


def _pinned(command: "RecordedCommand", found: NamedSweep, more: Sequence[str]) -> list[str]:
    """The folder that was found, where the command would make one anew: one of today, or where the sweep was before."""
    from slimtune.sweeper.campaigns.recorded_command import SWEEP_DIR

    is_given = any(word.partition("=")[0] == SWEEP_DIR for word in more)
    if is_given or not (command.program or command.is_elsewhere(found.folder)):
        return []
    return [f"{SWEEP_DIR}={override_value(str(found.folder))}"]


def _check(
    command: "RecordedCommand",
    found: NamedSweep,
    words: Sequence[str],
    more: Sequence[str],
    options: argparse.Namespace,
) -> None:
    missing = [key for key in command.left_out if not any(word.partition("=")[0].lstrip("+~") == key for word in more)]
    if missing:
        keys = " ".join(f"{key}=..." for key in missing)
        raise StoreError(
            f"the command of '{found.name}' had {', '.join(missing)}, which may be a secret and was not kept; give it "
            f"again: slimtune resume {told_words(options, found)} {keys}"
        )
    if not (options.trust or command.is_of(found.folder)):
        raise StoreError(
            f"the command of '{found.name}' was written on {command.host} for {command.folder}, and a command may run "
            f"anything; if you know who wrote it, add --trust: {shlex.join(words)}"
        )
