"""How sure a score is: bootstrap over the rows."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.stats import bootstrap
from sklearn.metrics import accuracy_score, f1_score

CONFIDENCE, NUM_RESAMPLES = 0.95, 1000


class Interval(NamedTuple):
    """A score and the percentile interval of its bootstrap distribution (Efron and Tibshirani 1993, ch. 13)."""

    value: float
    low: float
    high: float


METRICS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "accuracy": lambda references, predictions: float(accuracy_score(references, predictions)),
    "f1_macro": lambda references, predictions: float(
        f1_score(references, predictions, average="macro", zero_division=0)
    ),
}


def score_intervals(references_N: np.ndarray, predictions_N: np.ndarray, *, seed: int) -> dict[str, Interval]:
    """Accuracy and macro F1 of N rows with their 95 % intervals; rows are drawn again in pairs.

    On fewer than two rows there is no distribution and the interval is NaN.
    """
    return {name: _interval(metric, references_N, predictions_N, seed) for name, metric in METRICS.items()}


def _interval(
    metric: Callable[[np.ndarray, np.ndarray], float], references: np.ndarray, predictions: np.ndarray, seed: int
) -> Interval:
    value = metric(references, predictions)
    if len(references) < 2:
        return Interval(value, float("nan"), float("nan"))
    result = bootstrap(
        (references, predictions),
        metric,
        paired=True,
        vectorized=False,
        n_resamples=NUM_RESAMPLES,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    interval = result.confidence_interval
    return Interval(value, float(interval.low), float(interval.high))
