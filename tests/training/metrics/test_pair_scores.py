import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, average_precision_score

from slimtune.training.metrics.pair_scores import pair_scores

# adjacent floats and the largest ones too: there a midpoint may be one of them, or overflow
similarities = st.sampled_from([-1.0, 0.0, 0.3, math.nextafter(0.3, 1), 0.9, 1e308, 1.7e308])


def accuracy_at(threshold: float, predictions: list[float], references: list[int]) -> float:
    return float(accuracy_score(references, [int(value >= threshold) for value in predictions]))


@settings(deadline=None, max_examples=80)
@given(rows=st.lists(st.tuples(similarities, st.integers(0, 1)), min_size=2, max_size=12))
def test_no_threshold_is_more_accurate_than_the_best_one(rows: list[tuple[float, int]]) -> None:
    predictions, references = map(list, zip(*rows, strict=True))
    assume(len(set(references)) == 2)
    scores = pair_scores(predictions=predictions, references=references)
    tried = [accuracy_at(threshold, predictions, references) for threshold in [*predictions, math.inf]]
    assert scores["best_threshold_accuracy"] == pytest.approx(max(tried))
    assert accuracy_at(scores["best_threshold"], predictions, references) == pytest.approx(max(tried))
    assert scores["average_precision"] == pytest.approx(average_precision_score(references, predictions))


def test_average_precision_and_midpoint_by_hand() -> None:
    """Precision 1 at the first of two positives and 2/3 at the second; of the thresholds with one fault the highest."""
    scores = pair_scores(predictions=[0.9, 0.7, 0.3], references=[1, 0, 1])
    assert scores == pytest.approx(
        {"average_precision": (1 + 2 / 3) / 2, "best_threshold_accuracy": 2 / 3, "best_threshold": 0.8}
    )


@pytest.mark.parametrize("predictions", [[0.2, 0.4], [0.2, math.nan], [math.inf, 0.0]])
def test_one_class_or_a_similarity_that_is_not_finite_gives_nan(predictions: list[float]) -> None:
    references = [0, 1] if not all(map(math.isfinite, predictions)) else [1, 1]
    scores = pair_scores(predictions=predictions, references=references)
    assert all(math.isnan(value) for value in scores.values())


@pytest.mark.parametrize("reference", [4, 0.5])
def test_grades_have_no_threshold(reference: float) -> None:
    """Data with grades is for Spearman; these scores are no number then."""
    scores = pair_scores(predictions=[0.1, 0.2], references=[reference, 1])
    assert all(math.isnan(value) for value in scores.values())
