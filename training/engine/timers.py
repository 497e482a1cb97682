"""Where a worker's time goes."""

import time
from types import TracebackType


class Timer:
    """Adds up the wall seconds of the blocks that it is entered for."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._since = 0.0

    def __enter__(self) -> None:
        self._since = time.perf_counter()

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.seconds += time.perf_counter() - self._since


class Timers:
    """Training passes, evaluations, and all else since they were made."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self.training, self.evaluation = Timer(), Timer()

    def __str__(self) -> str:
        seconds = time.perf_counter() - self._started
        training, evaluation = self.training.seconds / seconds, self.evaluation.seconds / seconds
        rest = 1 - training - evaluation
        return f"{seconds:.1f} s, {training:.1%} training, {evaluation:.1%} evaluation, {rest:.1%} all else"
