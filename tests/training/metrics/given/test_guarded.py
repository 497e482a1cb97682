"""What a metric of the user's own is given is no other than a number or a text, but refuses what it can never equal."""

import copy
import json
import pickle
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score

from slimtune.training.errors import ConfigError
from slimtune.training.metrics import Tally, compute_all, measures_of
from slimtune.training.metrics.given.class_number import class_guard
from slimtune.training.metrics.given.pair_number import pair_guard
from slimtune.training.metrics.given.written_span import span_guard
from slimtune.training.metrics.load import load_metric
from tests.training.metrics.test_load import Chatty

HERE = __name__
GUARD = class_guard(["bills", "rent"])
ROW, SPANS, PAIR = GUARD((0, 1)), span_guard(["0:6:person"]), pair_guard(1.0)


def rents_found(predictions: Sequence[int], references: Sequence[int]) -> float:
    """Compares numbers with a name."""
    return sum(p == r for p, r in zip(predictions, references, strict=True) if r == "rent")  # type: ignore[comparison-overlap]


def cost(predictions: Sequence[Any], references: Sequence[Any]) -> float:
    """Looks names up."""
    weights = {"bills": 2, "rent": 5}
    return sum(weights[r] for p, r in zip(predictions, references, strict=True) if p != r)


def in_lower_case(predictions: Sequence[Any], references: Sequence[Any]) -> float:
    return sum(p.lower() == r.lower() for p, r in zip(predictions, references, strict=True))


def longest_name(predictions: Sequence[Any], references: Sequence[Any]) -> float:
    return max(map(len, (*predictions, *references)))


def past_the_end(predictions: Sequence[Any], references: Sequence[Any]) -> float:
    del predictions
    return sum([0.5][r] for r in references)


def of_a_column(predictions: Sequence[Any], references: Sequence[Any], rows: Sequence[Any]) -> float:
    del predictions, references
    return sum(row["weight"] for row in rows)


def types_found(predictions: Sequence[Any], references: Sequence[Any]) -> dict[str, float]:
    """What kinds of values it was given."""
    return {type(value).__name__: 1.0 for value in (predictions[0], references[0])}


@pytest.mark.parametrize(
    "compare",
    [
        lambda: GUARD(1) == "rent",
        lambda: GUARD(1) != "rent",
        lambda: "rent" == GUARD(1),  # noqa: SIM300
        lambda: GUARD(1) in ("bills", "rent"),
        lambda: (GUARD(0), GUARD(1)).count("rent"),
        lambda: np.array([GUARD(1)], dtype=object) == "rent",
        lambda: "rent" in ROW,
        lambda: ROW == "rent",
        lambda: ROW == 1,
        lambda: SPANS == "person",
        lambda: SPANS != 1,
        lambda: "person" in SPANS,
        lambda: PAIR == "duplicate",
    ],
)
def test_a_comparison_that_can_never_be_true_is_an_error(compare: Callable[[], object]) -> None:
    with pytest.raises(
        TypeError, match=r"compares .* with the (text|number) .*: predictions (and references )?are|have"
    ):
        compare()


def test_it_says_what_is_compared_and_the_names() -> None:
    said = (
        "compares the number of a class with the text 'rent': predictions and references are numbers here, and the "
        "names in order are bills, rent; the rows have the names"
    )
    with pytest.raises(TypeError) as caught:
        GUARD(0) == "rent"  # noqa: B015
    assert str(caught.value) == said
    with pytest.raises(TypeError, match=r"class 10, \.\.\.; the rows") as caught:
        class_guard([f"class {number}" for number in range(150)])(0) == "rent"  # noqa: B015
    assert len(str(caught.value)) < 300


def test_what_may_be_equal_is_compared_as_ever() -> None:
    assert GUARD(1) == 1 == GUARD(1) == np.int64(1)
    assert GUARD(1) != 0
    assert GUARD(1) is not None
    assert {GUARD(0), GUARD(1)} == {0, 1}
    assert {1: "rent"}[GUARD(1)] == "rent"
    assert ROW == (0, 1)
    assert hash(ROW) == hash((0, 1))
    assert GUARD(()) == ()
    assert SPANS == ["0:6:person"]
    assert span_guard([]) == []
    assert set(SPANS) & {"0:6:person"}
    assert PAIR == 1
    assert 0 in ROW


def test_libraries_take_them_for_what_they_are() -> None:
    predictions, references = [GUARD(0), GUARD(1), GUARD(0)], [GUARD(0), GUARD(1), GUARD(1)]
    assert np.array(references).dtype == np.array([0]).dtype
    assert torch.tensor(references).tolist() == [0, 1, 1]
    assert f1_score(references, predictions) == f1_score([0, 1, 1], [0, 1, 0])
    assert json.dumps([references, ROW, SPANS, PAIR]) == '[[0, 1, 1], [0, 1], ["0:6:person"], 1.0]'
    assert pickle.loads(pickle.dumps(references)) == copy.deepcopy(references) == [0, 1, 1]
    assert np.array([PAIR]).dtype == np.float64


def test_a_value_of_another_kind_stays_what_it_is() -> None:
    """A task of the user's own may put anything into its tally."""
    assert [type(GUARD(value)) for value in (5, -1, 0.5, "bills", None)] == [int, int, float, str, type(None)]
    assert (type(pair_guard("a")), type(span_guard("a"))) == (str, str)


def test_a_metric_that_compares_a_number_with_a_name_is_told_with_its_line() -> None:
    """And not with the line of the value that refuses."""
    line = rents_found.__code__.co_firstlineno + 2
    told = rf"^task\.metrics has '{HERE}\.rents_found', which fails at .*test_guarded\.py:{line} \(TypeError: co"
    tally = Tally.of(prediction=[0, 1], reference=[1, 1], nats=[1.0, 1.0], weight=[1, 1])
    with pytest.raises(ConfigError) as caught:
        compute_all(measures_of([f"{HERE}.rents_found"], GUARD), tally)
    (problem,) = caught.value.problems
    assert re.search(told, problem), problem
    assert problem.endswith("the rows have the names); repair it")


@pytest.mark.parametrize("name", ["cost", "in_lower_case", "longest_name", "past_the_end"])
def test_what_fails_since_it_takes_numbers_for_names_is_told_what_they_are(name: str) -> None:
    """Whatever it does with them; the sentence stands once."""
    tally = Tally.of(prediction=[0, 1], reference=[1, 1], nats=[1.0, 1.0], weight=[1, 1])
    with pytest.raises(ConfigError) as caught:
        compute_all(measures_of([f"{HERE}.{name}"], GUARD), tally)
    (problem,) = caught.value.problems
    rule = ": predictions and references are numbers here, and the names in order are bills, rent; the rows have the"
    assert problem.count(rule) == 1
    assert problem.endswith("names); repair it")


@pytest.mark.parametrize(
    ("guard", "value", "told"),
    [(class_guard(["bills"]), (0,), "have tuples of numbers"), (pair_guard, 0.5, "cosines"), (str, "a", "texts")],
)
def test_so_is_what_fails_on_values_of_another_task(guard: Callable[[Any], Any], value: Any, told: str) -> None:
    tally = Tally.of(prediction=[value], reference=[value], nats=[1.0], weight=[1])
    with pytest.raises(ConfigError, match=f"Error: .*: predictions (and references )?(are )?{told}"):
        compute_all(measures_of([f"{HERE}.past_the_end"], guard), tally)


def test_a_column_that_rows_lack_is_no_matter_of_the_values() -> None:
    tally = Tally.of(prediction=[0], reference=[1], nats=[1.0], weight=[1], data=[{"text": "a"}])
    with pytest.raises(ConfigError, match=r"\(KeyError: 'weight': the row has text\); repair it"):
        compute_all(measures_of([f"{HERE}.of_a_column"], GUARD), tally)


def test_only_functions_of_the_users_own_are_given_guarded_values(monkeypatch: pytest.MonkeyPatch) -> None:
    given = []
    monkeypatch.setattr(Chatty, "_compute", lambda self, predictions, references: given.extend(predictions) or {"x": 1})
    load_metric("tests.training.metrics.test_load.Chatty", span_guard).compute(["a"], ["a"], None)
    assert [type(value) for value in given] == [str]
    assert load_metric(f"{HERE}.types_found", GUARD).compute([0], [(1,)], None) == {"ClassNumber": 1, "ClassNumbers": 1}
    assert load_metric(f"{HERE}.types_found").compute([0], [(1,)], None) == {"int": 1, "tuple": 1}
