"""F1 where a row has any number of labels."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence

MULTILABEL_KEYS = ("f1_macro", "f1_micro", "f1_weighted", "f1_samples", "subset_accuracy")


def multilabel_f1(predictions: Sequence[Iterable[int]], references: Sequence[Iterable[int]]) -> dict[str, float]:
    """F1 averages over the labels that occur on either side, and the share of rows with all labels right.

    `f1_samples` is the mean of rows' F1. A division by zero counts as 0, so a row without labels on either side adds 0
    to `f1_samples`, though it is right for `subset_accuracy`. NaN on no rows.

    Oracle: `sklearn.metrics.f1_score` and `accuracy_score` on `MultiLabelBinarizer`'s matrices.
    """
    predicted, expected = [set(row) for row in predictions], [set(row) for row in references]
    if not expected:
        return dict.fromkeys(MULTILABEL_KEYS, math.nan)
    pairs = list(zip(predicted, expected, strict=True))
    # counts and not scikit-learn's f1_score, which takes a matrix of one label for another kind of task
    hits, ours, theirs = _count(p & r for p, r in pairs), _count(predicted), _count(expected)
    f1 = {label: _f1(hits[label], ours[label] + theirs[label]) for label in ours | theirs}
    return {
        "f1_macro": sum(f1.values()) / max(len(f1), 1),
        "f1_micro": _f1(hits.total(), ours.total() + theirs.total()),
        "f1_weighted": sum(f1[label] * theirs[label] for label in f1) / max(theirs.total(), 1),
        "f1_samples": sum(_f1(len(p & r), len(p) + len(r)) for p, r in pairs) / len(pairs),
        "subset_accuracy": sum(p == r for p, r in pairs) / len(pairs),
    }


def _count(rows: Iterable[set[int]]) -> Counter[int]:
    return Counter(label for row in rows for label in row)


def _f1(hits: int, both_sides: int) -> float:
    # no hits where nothing is on either side
    return 2 * hits / max(both_sides, 1)
