"""A table of fine-tuning results that a search can run over in no time."""

import json
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).parent / "recorded"
RATE, RANK, BATCH = "fit.learning_rate", "method.r", "fit.batch_size"
Curve = Sequence[tuple[int, float]]


class RecordedTable(NamedTuple):
    """One of them.

    Attributes:
        task: What was trained.
        rates: Learning rates that were tried, in order.
        ranks: Ranks that were tried, in order.
        batches: Batch sizes that were tried, in order.
        curves: Of each point, the validation score by training examples seen.
    """

    task: str
    rates: Sequence[float]
    ranks: Sequence[int]
    batches: Sequence[int]
    curves: Mapping[tuple[float, int, int], Curve]

    @property
    def best(self) -> float:
        """The best score of all points."""
        return max(score for curve in self.curves.values() for _, score in curve)

    def curve(self, params: Mapping[str, Any]) -> Curve:
        """The learning curve of a point; between recorded ones, drawn straight in the logarithms of rate and rank."""
        batch = params[BATCH]
        corners = [
            (weight_of_rate * weight_of_rank, self.curves[rate, rank, batch])
            for rate, weight_of_rate in _around(self.rates, params[RATE])
            for rank, weight_of_rank in _around(self.ranks, params[RANK])
        ]
        steps = [step for step, _ in corners[0][1]]
        return [(step, sum(weight * curve[index][1] for weight, curve in corners)) for index, step in enumerate(steps)]


def recorded_tables() -> list[RecordedTable]:
    """All that `benchmarks.record_tables` has made."""
    return [_read(path) for path in sorted(FOLDER.glob("*.json"))]


def _read(path: Path) -> RecordedTable:
    table = json.loads(path.read_text(encoding="utf-8"))
    curves = {
        (point["params"][RATE], point["params"][RANK], point["params"][BATCH]): [
            (step, score) for step, score in point["curve"]
        ]
        for point in table["points"]
    }
    rates, ranks, batches = (table["dimensions"][key] for key in (RATE, RANK, BATCH))
    return RecordedTable(table["task"], rates, ranks, batches, curves)


def _around(known: Sequence[float], value: float) -> list[tuple[Any, float]]:
    """The recorded values beside one, with the weight of each."""
    for low, high in pairwise(known):
        if low <= value <= high:
            share = (math.log(value) - math.log(low)) / (math.log(high) - math.log(low))
            return [(low, 1 - share), (high, share)]
    raise ValueError(f"{value} lies outside of {known[0]} to {known[-1]}")
