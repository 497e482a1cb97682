"""Training loss and speed since the last evaluation."""

import time
from collections.abc import Mapping
from typing import Any

from slimtune.training.engine.train_step import StepResult


class Meter:
    """Sums over the steps since it was made."""

    def __init__(self) -> None:
        self._loss_sum_nats, self._weight, self._rows, self._tokens, self._seconds = 0.0, 0.0, 0, 0, 0.0
        self._own_tokens = self._filled = 0
        self._since = self._until = time.perf_counter()

    def add(self, result: StepResult, rows: int, tokens: int, own_tokens: int) -> None:
        """Take a step in.

        Args:
            result: Of the step.
            rows: Of the batch.
            tokens: Of its rows, without padding.
            own_tokens: The same of the rows that this process took; beside them its passes had padding, by rows of
                like length, buckets and segments.
        """
        self._own_tokens += own_tokens
        self._filled += result.filled
        self._loss_sum_nats += result.loss_nats * result.weight
        self._weight += result.weight
        self._rows += rows
        self._tokens += tokens
        self._until = time.perf_counter()

    def compute(self) -> dict[str, float]:
        """Mean loss of the rows, and rows and tokens a second."""
        seconds = self._seconds + self._until - self._since
        return {
            "train/loss": self._loss_sum_nats / self._weight,
            "train/examples_per_second": self._rows / seconds,
            "train/tokens_per_second": self._tokens / seconds,
            "train/padding": max(0.0, 1 - self._own_tokens / self._filled) if self._filled else 0.0,
        }

    def state(self) -> dict[str, Any]:
        """The sums, as JSON can hold them."""
        seconds = self._seconds + self._until - self._since
        return {
            "loss_sum_nats": self._loss_sum_nats,
            "weight": self._weight,
            "rows": self._rows,
            "tokens": self._tokens,
            "own_tokens": self._own_tokens,
            "filled": self._filled,
            "seconds": seconds,
        }

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> "Meter":
        """A meter that continues from these sums."""
        meter = cls()
        meter._loss_sum_nats, meter._weight = state["loss_sum_nats"], state["weight"]
        meter._rows, meter._tokens, meter._seconds = state["rows"], state["tokens"], state["seconds"]
        meter._own_tokens, meter._filled = state["own_tokens"], state["filled"]
        return meter
