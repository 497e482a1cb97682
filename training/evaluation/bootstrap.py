"""How sure a score is: bootstrap over the rows."""

import math
import warnings
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import bootstrap

from slimtune.training.evaluation.score import Evaluation, source_of
from slimtune.training.metrics import Measure, Tally, compute_all

CONFIDENCE, NUM_RESAMPLES, NUM_TEXT_RESAMPLES = 0.95, 1000, 200


class Interval(NamedTuple):
    """A score and the percentile interval of its bootstrap distribution (Efron and Tibshirani 1993, ch. 13)."""

    value: float
    low: float
    high: float


def score_intervals(
    evaluation: Evaluation, measures: Sequence[Measure], names: Sequence[str], *, seed: int
) -> dict[str, Interval]:
    """The named scores with their 95 % intervals; rows are drawn again.

    Where there is no distribution, on fewer than two rows or where all resamples are alike, as of a perfect score on
    few rows, the interval is NaN: one of no width would say that the score is certain.
    """
    return {name: _interval(evaluation, measures, name, seed) for name in names}


def _interval(evaluation: Evaluation, measures: Sequence[Measure], name: str, seed: int) -> Interval:
    tally, measure = source_of(evaluation, measures, name)
    units = units_of(tally)
    if len(units) < 2:
        return Interval(evaluation.scores[name], float("nan"), float("nan"))
    low, high = percentile_interval(
        lambda drawn: compute_all([measure], drawn_rows(tally, units, drawn))[name],
        len(units),
        num_resamples=NUM_TEXT_RESAMPLES if tally is evaluation.generated else NUM_RESAMPLES,
        seed=seed,
    )
    # sums of other rows in another order differ in their last digits
    if math.isclose(low, high, rel_tol=1e-9, abs_tol=1e-12):
        return Interval(evaluation.scores[name], float("nan"), float("nan"))
    return Interval(evaluation.scores[name], low, high)


def percentile_interval(
    statistic: Callable[[np.ndarray], float],
    num_units: int,
    *,
    num_resamples: int,
    seed: int,
    confidence: float = CONFIDENCE,
) -> tuple[float, float]:
    """Both ends of the percentile interval, by default of 95 %, of a number of rows that are drawn again.

    What is compared row by row is drawn in pairs: the statistic gets the drawn units, and takes them of both sides.
    Draws on which it is NaN, as a score by positives is where none was drawn, do not count.

    Args:
        statistic: Of the numbers of the drawn units, each as often as it was drawn.
        num_units: How many there are, at least two.
        num_resamples: How often they are drawn.
        seed: Of the draws.
        confidence: Share of the resamples that lie in the interval.
    """
    with warnings.catch_warnings():
        # all resamples alike, as of a perfect score: the interval is that point
        warnings.simplefilter("ignore")
        found = bootstrap(
            (np.arange(num_units),),
            statistic,
            vectorized=False,
            n_resamples=num_resamples,
            confidence_level=confidence,
            method="percentile",
            rng=np.random.default_rng(seed),
        )
        values = found.bootstrap_distribution
        if np.isnan(values).any() and not np.isnan(values).all():
            outside = 50 * (1 - confidence)
            low, high = np.nanpercentile(values, (outside, 100 - outside))
            return float(low), float(high)
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def units_of(tally: Tally) -> list[list[int]]:
    """Rows that are drawn together: each by itself, but all windows of an example."""
    owners = tally.columns.get("example", range(len(tally)))
    units: dict[int, list[int]] = {}
    for row, owner in enumerate(owners):
        units.setdefault(owner, []).append(row)
    return list(units.values())


def drawn_rows(tally: Tally, units: Sequence[Sequence[int]], drawn: np.ndarray) -> Tally:
    """The rows of the drawn units; an example that is drawn twice is two."""
    part = tally.take([row for unit in drawn for row in units[unit]])
    if "example" not in part.columns:
        return part
    owners = tuple(place for place, unit in enumerate(drawn) for _ in units[unit])
    return Tally({**part.columns, "example": owners})
