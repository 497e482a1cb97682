import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from slimtune.training.metrics.spearman import spearman

scores = st.integers(-3, 3).map(lambda value: value / 2)


@settings(deadline=None, max_examples=60)
@given(rows=st.lists(st.tuples(scores, scores), min_size=3, max_size=12))
def test_it_is_the_correlation_of_scipy_ties_included(rows: list[tuple[float, float]]) -> None:
    predictions, references = map(list, zip(*rows, strict=True))
    assume(len(set(predictions)) > 1 and len(set(references)) > 1)
    ours = spearman(predictions=predictions, references=references)["spearman"]
    assert ours == pytest.approx(spearmanr(predictions, references).statistic)


def test_only_the_order_counts_and_two_rows_have_one() -> None:
    assert spearman(predictions=[1, 2, 300], references=[0.1, 0.2, 0.3])["spearman"] == pytest.approx(1)
    assert spearman(predictions=[1, 2], references=[0.2, 0.1])["spearman"] == pytest.approx(-1)


@pytest.mark.parametrize(
    ("predictions", "references"),
    [([0.5, 0.5, 0.5], [1, 2, 3]), ([1, 2, 3], [0, 0, 0]), ([1], [2]), ([1, math.nan, 2], [1, 2, 3])],
)
def test_what_has_no_order_gives_nan_without_a_warning(predictions: list[float], references: list[float]) -> None:
    scores = spearman(predictions=predictions, references=references)
    assert math.isnan(scores["spearman"])
