"""Stages where no line can be written anew: in a pipe, in a file, on a terminal that cannot erase."""

import os
import threading
from collections.abc import Callable
from typing import NamedTuple

from slimtune.training.stages import TOLD_SECONDS, Stage

# what lasts is told again: at first after so many seconds, later after a quarter of its time
LEAST_SECONDS, MOST_SECONDS = 10.0, 600.0


class StageLog:
    """A line for each stage that takes more than two seconds, at its end; and while it lasts, ever more seldom."""

    def __init__(self, write: Callable[[str], None]) -> None:
        """Whatever is told is given to `write`, a line at a time and without its end."""
        self._write = write
        self._under_way: list[_UnderWay] = []
        # what was told of a stage that is under way may be all that is to be told of its end
        self._last = ""
        # a forked process has no threads that tell, and its lines would stand between the others
        self._process = os.getpid()

    def begun(self, stage: Stage) -> None:
        """As a listener of stages; one may stand inside another, and the innermost is told while it lasts."""
        over = threading.Event()
        one = _UnderWay(stage, over, threading.Thread(target=self._tell, args=[stage, over], daemon=True))
        self._under_way.append(one)
        if self._is_own():
            one.teller.start()

    def ended(self, stage: Stage) -> None:
        """Say how long it took, if it did."""
        one = next(each for each in reversed(self._under_way) if each.stage is stage)
        self._under_way.remove(one)
        if not self._is_own():
            return
        one.over.set()
        one.teller.join()
        outcome = stage.outcome()
        if stage.seconds() >= TOLD_SECONDS and outcome != self._last:
            self._write(outcome)

    def _tell(self, stage: Stage, over: threading.Event) -> None:
        while not over.wait(gap_seconds(stage.seconds())):
            if self._under_way[-1].stage is stage:
                self._last = stage.progress()
                self._write(self._last)

    def _is_own(self) -> bool:
        return os.getpid() == self._process


def gap_seconds(lasted_seconds: float) -> float:
    """How long after its last line a stage is told again."""
    return min(max(LEAST_SECONDS, lasted_seconds / 4), MOST_SECONDS)


class _UnderWay(NamedTuple):
    stage: Stage
    over: threading.Event
    teller: threading.Thread
