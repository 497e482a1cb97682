"""Where a worker's time goes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Phases:
    """Wall seconds in training passes, in evaluations, and in all else since it was made."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._training_seconds = self._evaluation_seconds = 0.0

    @contextmanager
    def training(self) -> Iterator[None]:
        """Counts as training."""
        since = time.perf_counter()
        try:
            yield
        finally:
            self._training_seconds += time.perf_counter() - since

    @contextmanager
    def evaluation(self) -> Iterator[None]:
        """Counts as evaluation."""
        since = time.perf_counter()
        try:
            yield
        finally:
            self._evaluation_seconds += time.perf_counter() - since

    def __str__(self) -> str:
        seconds = time.perf_counter() - self._started
        shares = (self._training_seconds / seconds, self._evaluation_seconds / seconds)
        return f"{seconds:.1f} s, {shares[0]:.1%} training, {shares[1]:.1%} evaluation, {1 - sum(shares):.1%} all else"
