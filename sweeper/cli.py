"""The command `slimtune`: what each word runs, and what an ending means to the shell."""

import atexit
import gc
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from typing import NoReturn, cast

from slimtune.sweeper.command_table import ASKING, COMMANDS, DISPLAYING, OTHER_WORDS, Command
from slimtune.sweeper.dropped_interrupts import dropped_interrupts_given_again
from slimtune.training.errors import NotPromoted, SweepStopped, UserError, sentences_left
from slimtune.training.hardware.waiting import wait_briefly
from slimtune.training.lasting_output import lasting_output

DONE, FAULT, BAD_INPUT, REFUSED, INTERRUPTED = 0, 1, 2, 3, 130
HELP = {"-h", "--help"}
# of objects that may refer to others, between two searches for those that only refer to one another
ALLOCATIONS = 100_000


def command() -> NoReturn:
    """The console script: runs a command and ends the process.

    All that is written is written by then: to take apart what PyTorch and transformers have made takes another two
    seconds after a sweep.
    """
    codes: list[int] = []

    def leave() -> None:
        if codes:
            for stream in (sys.stdout, sys.stderr):
                if stream is not None:
                    stream.flush()
            os._exit(codes[0])

    # what is registered first is called last
    atexit.register(leave)
    codes.append(main())
    sys.exit(codes[0])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        The exit code: 0 done, 2 bad input, 3 an alias that `promote` or `rollback` did not move, 1 a fault of
        slimtune, 130 interrupted.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    wait_briefly()
    # an import makes objects that stay: at Python's own threshold, to look for others is a fifth of a command's start
    gc.set_threshold(max(ALLOCATIONS, gc.get_threshold()[0]))
    # so that parts of the user's own are found by their dotted path, as `python -m` finds them
    sys.path.append(os.getcwd())
    # who reads our output may go, e.g. `| head`: what is written to files is written all the same
    with dropped_interrupts_given_again(), lasting_output():
        return _answered(words)


def _answered(words: Sequence[str]) -> int:
    if not words or words[0] in HELP:
        from slimtune.export.commands.terminal_text import broken_at_blanks

        print(broken_at_blanks(usage(), sys.stdout))
        return DONE
    if words[0] == "--version":
        from importlib.metadata import version

        print(version("slimtune"))
        return DONE
    if words[0] not in COMMANDS:
        from slimtune.training.config.schema import suggestion

        meant = OTHER_WORDS.get(words[0].lower()) or suggestion(words[0], COMMANDS)
        return _bad_input(f"'{words[0]}' is not a command; {meant}")
    with _at_work(words[0], words[1:]):
        return _ended(words[0], words[1:])


def usage() -> str:
    """The help text."""
    lines = [f"  {name:<13} {command.summary}" for name, command in COMMANDS.items()]
    return "\n".join(
        [
            "Describe the search once, get the best model: proven, small and registered.",
            "",
            "usage: slimtune <command> [arguments]",
            "",
            *lines,
            "",
            "slimtune <command> --help says more. Start with: slimtune sweep experiment=tone",
        ]
    )


def _at_work(word: str, arguments: Sequence[str]) -> AbstractContextManager[None]:
    """What a command does while it says nothing; help is there at once."""
    if sys.stderr is None or word in ASKING or HELP.intersection(arguments):
        return nullcontext()
    from slimtune.sweeper.reporting.stages.working_line import shown_at_work

    return shown_at_work(word, by_stages=word in DISPLAYING)


def _ended(word: str, arguments: Sequence[str]) -> int:
    try:
        return _run_or_refuse(word, arguments)
    except SweepStopped as stopped:
        print(f"slimtune: {stopped}", file=sys.stderr)
        return INTERRUPTED
    except ModuleNotFoundError as error:
        return _not_installed(error, needed_for=f"slimtune {word}")
    except KeyboardInterrupt as stopped:
        print(f"\nslimtune: {stopped if stopped.args else 'interrupted'}", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # nothing is left to do without a reader
        return DONE
    except OSError as error:
        from slimtune.training.broken_files import refused_place

        told = refused_place(error)
        return _fault() if told is None else _bad_input(told)
    except Exception:  # noqa: BLE001  # the last place that can turn a fault into an exit code
        return _fault()
    finally:
        logging.shutdown()


def _run_or_refuse(word: str, arguments: Sequence[str]) -> int:
    try:
        return _run(COMMANDS[word], arguments, needed_for=f"slimtune {word}") or DONE
    except NotPromoted as refused_by_gate:
        print(f"slimtune: {refused_by_gate}", file=sys.stderr)
        return REFUSED
    except UserError as error:
        refused = _bad_input(str(error))
        if error.rest is not None and sys.stderr.isatty():
            print("looking at rows and model too", file=sys.stderr)
        if left := sentences_left(error):
            print("\n".join([f"and {len(left)} more:", *(f"  - {problem}" for problem in left)]), file=sys.stderr)
        return refused


def _run(command: Command, arguments: Sequence[str], *, needed_for: str) -> int | None:
    if command.needs and not HELP.intersection(arguments):
        from slimtune.training.extras import needs

        needs(*command.needs, needed_for=needed_for)
    return cast(int | None, import_module(command.module).run(arguments))


def _not_installed(error: ModuleNotFoundError, *, needed_for: str) -> int:
    """A package that slimtune requires, or that an extra brings, is bad input; another one is a fault."""
    from slimtune.training.extras import sentence_for
    from slimtune.training.installation.plain_install import absent_sentence

    sentence = sentence_for(error, needed_for=needed_for) or absent_sentence(error, needed_for=needed_for)
    return _fault() if sentence is None else _bad_input(sentence)


def _fault() -> int:
    traceback.print_exc()
    print("slimtune: this is a fault of slimtune, please report it with the lines above", file=sys.stderr)
    return FAULT


def _bad_input(message: str) -> int:
    print(f"slimtune: {message}", file=sys.stderr)
    return BAD_INPUT


if __name__ == "__main__":
    command()
