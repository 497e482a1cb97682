import math
import socket
from collections.abc import Mapping, Sequence
from typing import Any

import evaluate
import numpy as np
import pytest

from slimtune.training.config.task import METRIC_KEYS
from slimtune.training.errors import ConfigError
from slimtune.training.metrics.load import OURS, load_metric
from slimtune.training.metrics.module import EvaluateModule
from tests.training.metrics.examples import EXAMPLES

HERE = __name__
NOT_A_METRIC = 3


def cost(predictions: Sequence[int], references: Sequence[int], rows: Sequence[Mapping[str, Any]] | None) -> float:
    """What the wrong rows cost."""
    assert rows is not None
    wrong = [row["price"] for p, r, row in zip(predictions, references, rows, strict=True) if p != r]
    return float(np.float32(sum(wrong)))


def counts(predictions: Sequence[int], references: Sequence[int], rows: object) -> dict[str, Any]:
    return {"rows": len(predictions), "share": np.float32(0.5)}


def taken_apart(predictions: Any, references: Any, rows: Any) -> float:
    """Changes whatever it is given."""
    return float(predictions[0].pop() + references[0].pop() + rows[0]["prices"].pop())


def worded(predictions: Sequence[int], references: Sequence[int], rows: object) -> dict[str, Any]:
    return {"share": 0.5, "verdict": "good"}


def two_arguments(predictions: Sequence[int], references: Sequence[int]) -> float:
    return float(len(predictions) + len(references))


def one_argument(predictions: Sequence[int]) -> float:
    return 0.0


def four_arguments(predictions: Sequence[int], references: Sequence[int], rows: object, more: object) -> float:
    return 0.0


def rows_by_default(predictions: Sequence[int], references: Sequence[int], rows: object = ()) -> float:
    return float(rows is None)


class Chatty(EvaluateModule):
    """Gives lists and texts beside its score, as some modules of the hub do."""

    def __init__(self, **options: Any) -> None:
        super().__init__("bleu", **options)

    def _compute(self, predictions: Any, references: Any) -> dict[str, Any]:
        return {**super()._compute(predictions, references), "precisions": [1.0, 0.5], "signature": "13a"}


@pytest.mark.parametrize("name", OURS)
def test_every_metric_of_ours_computes_offline_what_the_config_says(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The best rows give finite scores under the keys that `task.metric` may name."""

    def refuse(*_: object) -> None:
        raise AssertionError("no metric of ours needs the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    metric = load_metric(name)
    scores = metric.compute(EXAMPLES[name], EXAMPLES[name], None)
    assert metric.name == name
    assert set(scores) == set(METRIC_KEYS[name])
    assert all(type(value) is float and math.isfinite(value) for value in scores.values())


@pytest.mark.parametrize("name", OURS)
def test_no_rows_give_nan_and_not_an_error(name: str) -> None:
    scores = load_metric(name).compute([], [], None)
    assert set(scores) == set(METRIC_KEYS[name])
    assert all(math.isnan(value) for value in scores.values())


def test_a_function_of_the_users_own_sees_the_rows() -> None:
    metric = load_metric(f"{HERE}.cost")
    assert metric.name == "cost"
    assert metric.compute([0, 1, 1], [0, 0, 0], [{"price": 1}, {"price": 2}, {"price": 4}]) == {"cost": 6.0}


def test_a_function_that_takes_two_is_called_with_two() -> None:
    """One that can take rows gets them."""
    asked: Any = ([0, 1], [0, 0], None)
    assert load_metric(f"{HERE}.two_arguments").compute(*asked) == {"two_arguments": 4.0}
    assert load_metric(f"{HERE}.rows_by_default").compute(*asked) == {"rows_by_default": 1.0}


def test_what_a_function_changes_is_its_own() -> None:
    """The next metric, and the next evaluation, are given the same."""
    metric = load_metric(f"{HERE}.taken_apart")
    given: Any = ([[1]], [[2]], [{"prices": [4]}])
    assert [metric.compute(*given) for _ in range(2)] == [{"taken_apart": 7.0}] * 2
    assert given == ([[1]], [[2]], [{"prices": [4]}])


def test_a_function_may_give_several_numbers() -> None:
    scores = load_metric(f"{HERE}.counts").compute([1, 2], [1, 2], None)
    assert scores == {"rows": 2.0, "share": 0.5}
    assert all(type(value) is float for value in scores.values())


def test_of_an_evaluate_module_only_numbers_are_scores() -> None:
    metric = load_metric(f"{HERE}.Chatty")
    assert metric.name == "Chatty"
    assert metric.compute(["a b c d"], ["a b c d"], None) == {"bleu": pytest.approx(100)}


def test_a_function_that_gives_something_else_is_named() -> None:
    with pytest.raises(
        ConfigError, match=r"task\.metrics has '.*\.worded', which gave .*'verdict'.*; let it give a number"
    ):
        load_metric(f"{HERE}.worded").compute([1], [1], None)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("acuracy", r"'acuracy', which is not a metric of ours; did you mean 'accuracy'\?"),
        ("", "'', which is not a metric of ours; known: accuracy, "),
        ("my metrics.cost", "use a dotted path"),
        ("hub:", "names nothing; use hub:<name>"),
        ("no_such_package.cost", "importing no_such_package fails .*; install it or put its folder on PYTHONPATH"),
        (f"{HERE}.costs", rf"but {HERE} has no 'costs'; did you mean 'cost'\?"),
        (f"{HERE}.NOT_A_METRIC", "which is of type int; use an evaluate.Metric class or a function of "),
        ("collections.Counter", "which is another class; use an evaluate.Metric class or a function of "),
        (f"{HERE}.one_argument", r"cannot be called with \(predictions, references, rows\) .*, or the first two"),
        (
            f"{HERE}.four_arguments",
            r"cannot be called with \(predictions, references, rows\) .*; let it take these three",
        ),
    ],
)
def test_what_is_no_metric_is_named_with_its_repair(target: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load_metric(target)
    assert len(caught.value.problems) == 1
    assert caught.value.problems[0].startswith(f"task.metrics has '{target}'")


def test_a_hub_name_goes_to_evaluate(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def load(name: str, **options: Any) -> evaluate.Metric:
        asked.append((name, options))
        return EvaluateModule("bleu", **{key: value for key, value in options.items() if key != "module_type"})

    monkeypatch.setattr(evaluate, "load", load)
    metric = load_metric("hub:someone/bleu")
    assert asked == [("someone/bleu", {"module_type": "metric", "keep_in_memory": True})]
    assert metric.name == "someone/bleu"
    assert metric.compute(["a b c d"], ["a b c d"], None) == {"bleu": pytest.approx(100)}


def test_a_hub_that_cannot_be_reached_is_a_problem_of_the_config(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate.config, "HF_EVALUATE_OFFLINE", True)
    with pytest.raises(ConfigError, match=r"'hub:no_such_metric', but evaluate\.load fails \(.*\); check the name"):
        load_metric("hub:no_such_metric")
