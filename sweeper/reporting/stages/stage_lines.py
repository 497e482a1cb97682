"""Stages of the preparation on the terminal: how far the one under way has come, and a line for each that took long."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from rich.console import Console
from rich.live import Live
from rich.text import Text

from slimtune.sweeper.reporting.stages.stage_log import StageLog
from slimtune.training.stages import TOLD_SECONDS, Stage, stages_told_to

REFRESHED_A_SECOND = 2.0


def print_line(console: Console, line: str) -> None:
    """A line as it is: nothing in it is markup.

    On a terminal a sentence that is wider than it goes on below, broken at blanks; an indented line, which is there to
    be copied, and all lines elsewhere stay whole.
    """
    stays_whole = line.startswith(" ") or not console.is_terminal
    console.print(line, highlight=False, markup=False, soft_wrap=stays_whole)


@contextmanager
def stages_shown(console: Console) -> Iterator[None]:
    """Show the stages of the block that take more than two seconds."""
    told = StageLines(console) if console.is_terminal else StageLog(partial(print_line, console))
    with stages_told_to(told):
        yield


class StageLines:
    """A line that is written anew while a stage lasts, and one that stays."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._timer: threading.Timer | None = None
        self._live: Live | None = None

    def begun(self, stage: Stage) -> None:
        """Wait whether it takes long."""
        self._timer = threading.Timer(TOLD_SECONDS, self._show, [stage])
        self._timer.daemon = True
        self._timer.start()

    def ended(self, stage: Stage) -> None:
        """Say how long it took, if it did."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()
        if self._live is not None:
            self._live.stop()
            self._live = None
        if stage.seconds() >= TOLD_SECONDS:
            print_line(self._console, stage.outcome())

    def _show(self, stage: Stage) -> None:
        self._live = Live(
            console=self._console,
            get_renderable=lambda: Text(stage.progress()),
            refresh_per_second=REFRESHED_A_SECOND,
            transient=True,
        )
        self._live.start()
