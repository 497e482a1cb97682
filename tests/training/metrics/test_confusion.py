import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from slimtune.training.metrics.confusion import LabelScores, confusion_matrix, per_class

LABELS = ["negative", "neutral", "positive"]
pairs = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=20)


def test_rows_are_references_and_columns_predictions() -> None:
    assert confusion_matrix([1, 1, 2], [0, 1, 2], 3) == [[0, 1, 0], [0, 1, 0], [0, 0, 1]]


@settings(deadline=None, max_examples=40)
@given(rows=pairs)
def test_scores_are_those_of_the_classification_report(rows: list[tuple[int, int]]) -> None:
    """Labels that never occur have rows too."""
    predictions, references = map(list, zip(*rows, strict=True))
    report = metrics.classification_report(
        references, predictions, labels=range(3), target_names=LABELS, output_dict=True, zero_division=0
    )
    scores = per_class(predictions, references, LABELS)
    assert [row.label for row in scores] == LABELS
    for row in scores:
        assert row[1:] == pytest.approx(tuple(report[row.label].values()))
    matrix = confusion_matrix(predictions, references, 3)
    assert [sum(row) for row in matrix] == [row.support for row in scores]
    assert sum(map(sum, matrix)) == len(rows)


def test_no_rows_give_zeros_and_nan() -> None:
    assert confusion_matrix([], [], 2) == [[0, 0], [0, 0]]
    (scores,) = per_class([], [], ["only"])
    assert scores.label == "only"
    assert scores.support == 0
    assert all(math.isnan(value) for value in scores[1:4])


def test_a_label_that_never_occurs_scores_zero() -> None:
    assert per_class([0], [0], ["seen", "unseen"])[1] == LabelScores("unseen", 0.0, 0.0, 0.0, 0)


@pytest.mark.parametrize("label", [-100, 3])
def test_an_id_that_is_no_label_is_not_left_out(label: int) -> None:
    with pytest.raises(AssertionError, match="out of range"):
        confusion_matrix([0, label], [0, 1], 3)
