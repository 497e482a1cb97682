"""Whether a gain is more than an accident of the rows, on tallies whose rows are known."""

import numpy as np
import pytest
from scipy.stats import binomtest

from slimtune.export.promotion.comparison import BOOTSTRAP, PERMUTATION, Comparison, _Paired, _sign_flip, _tested
from slimtune.training.metrics import Tally, mean_loss, measure_of


def tally(right: int, num_rows: int) -> Tally:
    answers = [1] * right + [0] * (num_rows - right)
    return Tally.of(row=range(num_rows), prediction=answers, reference=[1] * num_rows)


def judged(own: Tally, other: Tally, metric: str, measure: str, *, confidence: float | None = 0.95) -> Comparison:
    paired = _Paired(own, other, measure_of(measure), metric, 1.0)
    scores = paired.score(own), paired.score(other)
    found = Comparison(metric, "given", len(own), *scores, scores[0] - scores[1])
    return _tested(found, paired, confidence=confidence, num_resamples=200)


@pytest.mark.parametrize(("right", "better", "worse"), [(90, True, False), (51, False, False), (10, False, True)])
def test_a_mean_of_rows_is_tested_by_permutations(right: int, better: bool, worse: bool) -> None:
    found = judged(tally(right, 100), tally(50, 100), "accuracy", "accuracy")
    assert (found.test, found.is_better, found.is_worse) == (PERMUTATION, better, worse)
    assert found.low is not None
    assert found.high is not None
    assert found.low <= found.gain <= found.high


def test_another_metric_is_tested_by_a_bootstrap_of_the_rows() -> None:
    found = judged(tally(90, 100), tally(50, 100), "f1_macro", "f1")
    assert (found.test, found.p_value, found.is_better) == (BOOTSTRAP, None, True)


def test_without_a_confidence_there_is_an_interval_and_no_test() -> None:
    found = judged(tally(51, 100), tally(50, 100), "accuracy", "accuracy", confidence=None)
    assert found.test is None
    assert found.is_better is None
    assert found.low is not None


def test_the_permutation_test_is_exact_for_few_rows() -> None:
    """Of rows that are right or wrong, it is McNemar's exact test."""
    differences = np.array([1.0] * 8 + [-1.0] * 2 + [0.0] * 30)
    assert _sign_flip(differences) == pytest.approx(binomtest(8, 10).pvalue)
    assert _sign_flip(np.zeros(5)) == 1.0


def test_a_loss_is_a_mean_of_rows_where_all_weigh_the_same() -> None:
    even = Tally.of(row=range(4), nats=[1.0, 2.0, 3.0, 4.0], weight=[1.0] * 4)
    uneven = Tally.of(row=range(4), nats=[1.0, 2.0, 3.0, 4.0], weight=[1.0, 2.0, 1.0, 1.0])
    for one, is_mean in ((even, True), (uneven, False)):
        paired = _Paired(one, one, mean_loss(), "loss", -1.0)
        assert (paired.differences() is not None) is is_mean


def test_rows_that_two_models_cut_otherwise_are_not_paired() -> None:
    found = judged(tally(9, 10), tally(5, 11), "accuracy", "accuracy")
    assert found.test is None
    assert "cut the rows into other parts" in found.notes[-1]
