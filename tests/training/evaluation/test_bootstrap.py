import math

import numpy as np
import pytest
from sklearn.metrics import f1_score

from slimtune.training.evaluation.bootstrap import Interval, percentile_interval, score_intervals
from slimtune.training.evaluation.score import Evaluation
from slimtune.training.metrics import Tally, compute_all, measure_of

MEASURES = (measure_of("accuracy"), measure_of("f1"))


def intervals(references: np.ndarray, predictions: np.ndarray) -> dict[str, Interval]:
    tally = Tally.of(prediction=predictions.tolist(), reference=references.tolist())
    evaluation = Evaluation(compute_all(MEASURES, tally), tally, None)
    return score_intervals(evaluation, MEASURES, ["accuracy", "f1_macro"], seed=0)


def test_scores_are_scikit_learns_and_lie_in_their_intervals() -> None:
    rng = np.random.default_rng(0)
    references = rng.integers(0, 3, size=200)
    predictions = np.where(rng.random(200) < 0.7, references, rng.integers(0, 3, size=200))
    scores = intervals(references, predictions)
    assert scores["accuracy"].value == pytest.approx((references == predictions).mean())
    assert scores["f1_macro"].value == pytest.approx(f1_score(references, predictions, average="macro"))
    for interval in scores.values():
        assert interval.low < interval.value < interval.high
    # the normal approximation of a share's interval
    half = 1.96 * math.sqrt(scores["accuracy"].value * (1 - scores["accuracy"].value) / 200)
    assert scores["accuracy"].high - scores["accuracy"].low == pytest.approx(2 * half, rel=0.15)
    assert scores == intervals(references, predictions), "the same seed gives the same interval"


def test_draws_without_a_score_do_not_count() -> None:
    """As of a score by positives, where a draw may have none; with no score in any draw there is no interval."""
    values = np.array([float("nan"), float("nan"), 1.0, 2.0, 3.0])
    low, high = percentile_interval(lambda drawn: float(values[drawn[0]]), 5, num_resamples=200, seed=0)
    assert (low, high) == (1.0, 3.0)
    first = np.concatenate([[float("nan")], np.arange(100.0)])
    wide, narrow = (
        percentile_interval(lambda drawn: float(first[drawn[0]]), 101, num_resamples=2000, seed=0, confidence=share)
        for share in (0.99, 0.5)
    )
    assert wide[0] < narrow[0] < narrow[1] < wide[1]
    assert math.isnan(percentile_interval(lambda _: float("nan"), 5, num_resamples=20, seed=0)[0])


def test_one_row_has_no_interval() -> None:
    interval = intervals(np.array([1]), np.array([1]))["accuracy"]
    assert interval.value == 1.0
    assert math.isnan(interval.low)


def test_a_perfect_score_has_no_interval() -> None:
    """All resamples are alike: an interval of no width would say that other rows cannot be answered wrongly."""
    for rows in (3, 40):
        labels = np.arange(rows) % 2
        for interval in intervals(labels, labels).values():
            assert interval.value == 1.0
            assert math.isnan(interval.low)
            assert math.isnan(interval.high)
        assert intervals(labels, 1 - labels)["accuracy"].value == 0.0
        assert math.isnan(intervals(labels, 1 - labels)["accuracy"].low)
