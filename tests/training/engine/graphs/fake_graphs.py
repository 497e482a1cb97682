"""Graphs without a GPU: they keep the work and do it again."""

from collections.abc import Callable

import torch

from slimtune.training.engine.graphs.static_calls import Captured, Outputs


class FakeGraphs:
    """As a GPU does, captures without carrying out, and leaves outputs where they were the last time.

    Attributes:
        num_captures: Graphs that were made.
        num_replays: Of all of them.
    """

    def __init__(self) -> None:
        self.num_captures = self.num_replays = 0

    def __call__(self, work: Callable[[], Outputs]) -> Captured:
        self.num_captures += 1
        outputs: list[torch.Tensor] = []

        def replay() -> None:
            self.num_replays += 1
            outputs[:] = work()

        return Captured(replay, outputs)
