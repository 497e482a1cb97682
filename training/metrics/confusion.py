"""Which labels are taken for which, and the scores of each."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from sklearn import metrics


class LabelScores(NamedTuple):
    """Scores of one label; support is how many references have it."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


def confusion_matrix(predictions: Sequence[int], references: Sequence[int], num_labels: int) -> list[list[int]]:
    """How often reference (row) was taken for prediction (column); zeros on no rows.

    Oracle: `sklearn.metrics.confusion_matrix`.
    """
    _check_ids(predictions, references, num_labels)
    if len(references) == 0:
        return [[0] * num_labels for _ in range(num_labels)]
    matrix = metrics.confusion_matrix(references, predictions, labels=range(num_labels))
    return [[int(count) for count in row] for row in matrix]


def per_class(predictions: Sequence[int], references: Sequence[int], labels: Sequence[str]) -> list[LabelScores]:
    """The scores of each label, in the order of their ids.

    A division by zero counts as 0; on no rows all scores are NaN. Oracle: `sklearn.metrics.classification_report`.

    Args:
        predictions: Label ids.
        references: Label ids, as many.
        labels: Names of the labels in the order of their ids.
    """
    _check_ids(predictions, references, len(labels))
    if len(references) == 0:
        return [LabelScores(label, math.nan, math.nan, math.nan, 0) for label in labels]
    columns = metrics.precision_recall_fscore_support(
        references, predictions, labels=range(len(labels)), zero_division=0
    )
    rows = zip(labels, *columns, strict=True)
    return [LabelScores(name, float(p), float(r), float(f1), int(support)) for name, p, r, f1, support in rows]


def _check_ids(predictions: Sequence[int], references: Sequence[int], num_labels: int) -> None:
    # scikit-learn leaves ids out that are not among the labels
    assert all(0 <= label < num_labels for label in (*predictions, *references)), "a label id is out of range"
