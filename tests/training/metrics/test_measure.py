import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score

from slimtune.training.errors import ConfigError
from slimtune.training.metrics import Measure, Tally, compute_all, mean_loss, measure_of, measures_of, merged

MEASURES = (mean_loss(), measure_of("accuracy"), measure_of("f1"))


def halves(cut: int) -> tuple[slice, slice]:
    return slice(cut), slice(cut, None)


pairs = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40)


@settings(deadline=None, max_examples=40)
@given(rows=pairs, cut=st.integers(0, 40))
def test_any_split_of_the_rows_gives_the_numbers_of_scikit_learn(rows: list[tuple[int, int]], cut: int) -> None:
    """A tally of two parts is the tally of all, and both are scikit-learn's numbers."""
    predictions, references = zip(*rows, strict=True)
    nats = [1.0] * len(rows[:cut]) + [3.0] * len(rows[cut:])
    columns = {"prediction": predictions, "reference": references, "nats": nats, "weight": [1.0] * len(rows)}
    left, right = (Tally.of(**{name: values[part] for name, values in columns.items()}) for part in halves(cut))
    scores = compute_all(MEASURES, left.merge(right))
    assert scores == compute_all(MEASURES, merged([left, Tally(), right]))
    assert scores["accuracy"] == pytest.approx(accuracy_score(references, predictions))
    for average in ("macro", "micro", "weighted"):
        theirs = f1_score(references, predictions, average=average, zero_division=0)
        assert scores[f"f1_{average}"] == pytest.approx(theirs, rel=1e-12)
    assert scores["loss"] == pytest.approx((len(rows[:cut]) + 3 * len(rows[cut:])) / len(rows))


def test_no_rows_give_nan_and_not_an_error() -> None:
    scores = compute_all(MEASURES, Tally())
    assert set(scores) == {"loss", "accuracy", "f1_macro", "f1_micro", "f1_weighted"}
    assert all(math.isnan(value) for value in scores.values())
    assert Tally().merge(Tally.of(row=[1])) == Tally.of(row=[1])


def test_loss_and_perplexity_are_weighted_by_tokens() -> None:
    """Two rows of 1 and 3 tokens: a mean of the rows' means would say 3 nats."""
    tally = Tally.of(nats=[4.0, 6.0], weight=[1, 3])
    assert compute_all([mean_loss(), measure_of("perplexity")], tally) == {"loss": 2.5, "perplexity": math.exp(2.5)}


def test_rows_are_taken_as_often_as_they_are_named() -> None:
    tally = Tally.of(row=[2, 0, 1], nats=[20.0, 0.0, 10.0])
    assert tally.in_order().columns["nats"] == (0.0, 10.0, 20.0)
    assert tally.take([0, 0]).columns["row"] == (2, 2)


def test_a_score_that_two_metrics_give_is_an_error() -> None:
    """The second one would be told as the first; a metric that is named twice is one."""
    tally = Tally.of(prediction=[1, 0], reference=[1, 1], nats=[1.0, 1.0], weight=[1, 1])
    own = Measure(("scores",), lambda _: {"cost": 1.0, "accuracy": 0.0}, ("prediction",))
    with pytest.raises(ConfigError, match=r"task\.metrics give accuracy twice; let yours give it under another name"):
        compute_all([*MEASURES, own], tally)
    assert compute_all(measures_of(["accuracy", "accuracy"]), tally) == {"loss": 1.0, "accuracy": 0.5}
