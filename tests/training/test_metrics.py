import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score

from training.metrics import F1, Accuracy, Tally

pairs = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40)


def test_metrics_work_by_themselves_as_evaluate_modules() -> None:
    """`compute` and `add_batch` are evaluate's own; no hub is asked."""
    predictions, references = [0, 1, 1, 2], [0, 1, 2, 2]
    assert Accuracy().compute(predictions=predictions, references=references) == {"accuracy": 0.75}
    metric = F1()
    for prediction, reference in zip(predictions, references, strict=True):
        metric.add_batch(predictions=[prediction], references=[reference])
    scores = metric.compute()
    for average in ("macro", "micro", "weighted"):
        assert scores[f"f1_{average}"] == pytest.approx(f1_score(references, predictions, average=average))


@settings(deadline=None, max_examples=40)
@given(rows=pairs, cut=st.integers(0, 40))
def test_any_split_of_the_rows_gives_the_numbers_of_scikit_learn(rows: list[tuple[int, int]], cut: int) -> None:
    """A tally of two parts is the tally of all, and both are scikit-learn's numbers."""
    predictions, references = zip(*rows, strict=True)
    left = Tally.of(predictions[:cut], references[:cut], 1.0 * len(rows[:cut]))
    right = Tally.of(predictions[cut:], references[cut:], 3.0 * len(rows[cut:]))
    scores = left.merge(right).compute()
    assert scores["accuracy"] == pytest.approx(accuracy_score(references, predictions))
    macro = f1_score(references, predictions, average="macro", zero_division=0)
    assert scores["f1_macro"] == pytest.approx(macro)
    assert scores["loss"] == pytest.approx((len(rows[:cut]) + 3 * len(rows[cut:])) / len(rows))


def test_no_rows_give_nan_and_not_an_error() -> None:
    assert all(math.isnan(value) for value in Tally.empty().compute().values())
    assert Tally.empty().merge(Tally.of([1], [1], 0.5)) == Tally.of([1], [1], 0.5)
