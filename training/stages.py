"""Stages of a preparation: what is being done, how far it has come, and how long it took."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from slimtune.training.listed_names import counted

log = logging.getLogger(__name__)

# what takes less is told to nobody
TOLD_SECONDS = 2.0


@dataclass
class Stage:
    """What is being done.

    Attributes:
        what: In words, e.g. `reads rows.csv`.
        total: Rows that there are; None where only the end tells.
        done: Rows so far.
        unit: What is counted, if not rows, e.g. `variants`.
        began: Of the clock that `seconds` goes by.
    """

    what: str
    total: int | None = None
    done: int = 0
    unit: str = "rows"
    began: float = field(default_factory=time.monotonic)

    def advance(self, num_rows: int = 1) -> None:
        """So many rows more are done."""
        self.done += num_rows

    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self.began

    @property
    def num_rows(self) -> int:
        """All that there are, or as many as are done; 0 for a stage that is not of rows."""
        return self.total or self.done

    def progress(self) -> str:
        """How far it has come, on one line."""
        of, so_far = (f" of {self._counted(self.total)}", "") if self.total else (f" {self.unit}", " so far")
        done = f"{self.done:,}{of}{so_far}"
        if not self.done:
            done = self._counted(self.total) if self.total else ""
        return f"{self.what}: {done}{', ' if done else ''}{self.seconds():,.0f} s"

    def outcome(self) -> str:
        """How much was done, and how long it took, on one line."""
        done = f"{self._counted(self.num_rows)}, " if self.num_rows else ""
        return f"{self.what}: {done}{self.seconds():,.0f} s"

    def _counted(self, number: int) -> str:
        return counted(number, self.unit.removesuffix("s"), self.unit)


class StageListener(Protocol):
    """Told of each stage, by the thread that is in it."""

    def begun(self, stage: Stage) -> None: ...

    def ended(self, stage: Stage) -> None: ...


class _Unheard:
    """Where nobody watches a terminal."""

    def begun(self, stage: Stage) -> None:
        """Nothing."""

    def ended(self, stage: Stage) -> None:
        """Nothing."""


_listeners: list[StageListener] = [_Unheard()]


@contextmanager
def stages_told_to(listener: StageListener) -> Iterator[None]:
    """Tell the stages of the block to a listener."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


@contextmanager
def told_stage(what: str, total: int | None = None, *, unit: str = "rows") -> Iterator[Stage]:
    """A stage, as long as the block runs; one that took long stands in the log."""
    one, listener = Stage(what, total, unit=unit), _listeners[-1]
    listener.begun(one)
    try:
        yield one
    finally:
        listener.ended(one)
    if one.seconds() >= TOLD_SECONDS:
        log.info("%s: %s%.1f s", what, f"{one.num_rows} {unit} in " if one.num_rows else "", one.seconds())
