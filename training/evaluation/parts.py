"""A score on parts of the rows, by which two models are compared."""

import math
import warnings
from collections.abc import Sequence

from slimtune.training.evaluation.score import Evaluation, source_of
from slimtune.training.metrics import Measure, compute_all


def part_scores(evaluation: Evaluation, measures: Sequence[Measure], name: str, *, num_parts: int) -> list[float]:
    """The named score on each part of the rows, the same rows for every model of these rows.

    Windows of one example lie in one part. A part may have no score, which is NaN.

    Args:
        evaluation: Of a split.
        measures: What its scores are computed by.
        name: Of the score.
        num_parts: As many, or half as many as there are examples; 0 computes nothing.
    """
    if not num_parts:
        return []
    tally, measure = source_of(evaluation, measures, name)
    owners = tally.columns.get("example", range(len(tally)))
    places = {owner: place for place, owner in enumerate(dict.fromkeys(owners))}
    count = min(num_parts, len(places) // 2)
    rows: list[list[int]] = [[] for _ in range(count)]
    for row, owner in enumerate(owners if count else ()):
        rows[places[owner] % count].append(row)
    with warnings.catch_warnings():
        # a part may have one class only, or no right answer
        warnings.simplefilter("ignore")
        return [compute_all([measure], tally.take(part)).get(name, math.nan) for part in rows]
