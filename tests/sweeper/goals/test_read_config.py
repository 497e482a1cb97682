from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from slimtune.sweeper.goals.goals import Constraint, Goals, Objective, Pick
from slimtune.sweeper.goals.read_config import metric_problems, parse_goals
from slimtune.training.config.task import Direction

TWO: list[Any] = ["accuracy", {"metric": "size_mb", "direction": "minimize"}]


def read(**values: Any) -> Goals:
    return parse_goals(values, [Direction.maximize]).section


def problems(**values: Any) -> str:
    parsed = parse_goals(values, [Direction.maximize])
    assert parsed.found is None
    return "; ".join(parsed.problems)


def test_without_keys_there_is_one_objective_without_a_name() -> None:
    found = read()
    assert found == Goals((Objective("objective", True),))
    assert not found.is_named


def test_a_list_of_directions_has_names_by_number() -> None:
    found = parse_goals({}, [Direction.minimize, Direction.maximize]).section
    assert found.objectives == (Objective("objective", False), Objective("objective_2", True))


def test_directions_that_are_known_need_not_be_given() -> None:
    found = read(objectives=[*TWO, "perplexity", {"metric": "my_score", "direction": "maximize"}])
    assert [(one.name, one.maximize) for one in found.objectives] == [
        ("accuracy", True),
        ("size_mb", False),
        ("perplexity", False),
        ("my_score", True),
    ]


def test_bounds_rules_and_targets_are_read() -> None:
    found = read(
        objectives=TWO,
        constraints={"latency_ms": {"max": 5}, "f1_macro": {"min": 0.5, "max": None}, "seconds": None},
        pick={"best": "size_mb", "within": {"accuracy": 0.01}},
        target={"accuracy": 0.9, "size_mb": 30},
    )
    assert found.constraints == (Constraint("latency_ms", None, 5.0), Constraint("f1_macro", 0.5, None))
    assert found.pick == Pick("within", "size_mb", {"accuracy": 0.01})
    assert found.targets == {"accuracy": 0.9, "size_mb": 30.0}
    assert read(target=0.9).targets == {"objective": 0.9}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"objectives": "accuracy"}, "search.objectives is 'accuracy'; it is a list"),
        ({"objectives": []}, "search.objectives is []; it is a list"),
        ({"objectives": [7]}, "search.objectives[0] is 7; use a name, or {metric: <name>, direction: maximize}"),
        ({"objectives": ["accuracy", "accuracy"]}, "names accuracy twice"),
        ({"objectives": ["mine"]}, "which way is mine better? use {metric: mine, direction: maximize or minimize}"),
        ({"objectives": [{"metric": "mine", "direction": "up"}]}, "direction is 'up'; use maximize or minimize"),
        ({"objectives": [{"metric": "loss", "direction": "maximize"}]}, "the metric is loss; use minimize"),
        ({"objectives": [{"metric": "loss", "directon": "minimize"}]}, "did you mean 'direction'?"),
        ({"constraints": 30}, "search.constraints is 30; use bounds by name"),
        ({"constraints": {"size_mb": 30}}, "search.constraints.size_mb is 30; use {max: 30} or {min: 30}"),
        ({"constraints": {"size_mb": {}}}, "search.constraints.size_mb has no bound; give it min, max or both"),
        ({"constraints": {"size_mb": {"maximum": 3}}}, "search.constraints.size_mb.maximum is not a key"),
        ({"constraints": {"size_mb": {"max": "3"}}}, "search.constraints.size_mb.max is '3'; use a number"),
        ({"constraints": {"size_mb": {"min": 3, "max": 2}}}, "min is 3, above max (2); swap them"),
        ({"objectives": TWO, "pick": "best"}, "search.pick is 'best'; use first, knee or {best: <objective>"),
        ({"pick": "knee"}, "search.pick chooses among several objectives, and there is one"),
        ({"objectives": TWO, "pick": {"best": "size"}}, "search.pick.best is 'size', which is no objective; did you"),
        ({"objectives": TWO, "pick": {"best": "size_mb"}}, "search.pick.within is None; say how much may be given up"),
        (
            {"objectives": TWO, "pick": {"best": "size_mb", "within": {"size_mb": 1}}},
            "search.pick.within names size_mb, which is no other objective",
        ),
        (
            {"objectives": TWO, "pick": {"best": "size_mb", "within": {"accuracy": -1}}},
            "search.pick.within.accuracy is -1; use a number of at least 0",
        ),
        ({"objectives": TWO, "target": 0.9}, "there are several objectives; name them, e.g. {accuracy: 0.9}"),
        ({"objectives": TWO, "target": {"accurcy": 1}}, "search.target names accurcy, which is no objective; did you"),
        ({"target": "high"}, "search.target is 'high'; use a number"),
    ],
)
def test_what_is_wrong_is_told_with_its_repair(values: Mapping[str, Any], said: str) -> None:
    assert said in problems(**values)


def test_names_that_nothing_gives_have_a_nearest_one() -> None:
    """Whatever else is wrong; what a metric of one's own gives is not known yet."""
    values = {"objectives": ["accuracy", {"metric": "f1_marco"}, 7], "constraints": {"size": 30}}
    task: Any = SimpleNamespace(metrics=["accuracy", "f1"])
    assert metric_problems(values, task) == [
        "search.objectives has f1_marco; did you mean 'f1_macro'?",
        "search.constraints has size; did you mean 'size_mb'?",
    ]
    assert metric_problems(values, SimpleNamespace(metrics=["accuracy", "my.metric"])) == []  # type: ignore[arg-type]
    assert metric_problems({"objectives": None, "constraints": None}, task) == []
