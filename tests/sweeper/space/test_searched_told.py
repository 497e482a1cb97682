"""What a sweep searches, in a line."""

import pytest

from slimtune.sweeper.goals.goals import Constraint, Goals, Objective, goals_of
from slimtune.sweeper.space.dimension import Choice, Dimension, FloatRange, IntRange
from slimtune.sweeper.space.search_space import Branch, SearchSpace
from slimtune.sweeper.space.searched_told import goals_line, searched_lines, told_dimension


@pytest.mark.parametrize(
    ("dimension", "told"),
    [
        (FloatRange(1e-4, 1e-2, log=True), "0.0001 to 0.01 (log)"),
        (FloatRange(0.0, 0.5, step=0.1), "0 to 0.5 (step 0.1)"),
        (IntRange(4, 32), "4 to 32"),
        (IntRange(4, 32, log=True, step=1), "4 to 32 (log)"),
        (IntRange(8, 32, step=8), "8 to 32 (step 8)"),
        (Choice((8, 16, 32)), "8 | 16 | 32"),
        (Choice(tuple(range(20))), "0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 and 12 more"),
    ],
)
def test_a_dimension_is_told_by_its_values(dimension: Dimension, told: str) -> None:
    assert told_dimension(dimension) == told


def test_a_key_that_is_set_is_told_as_fixed() -> None:
    """The config's section has it still, which `--cfg job` shows."""
    space = SearchSpace(common={"fit.learning_rate": FloatRange(1e-4, 1e-2, log=True)})
    rate = {"type": "float", "low": 1e-4, "high": 1e-2, "log": True}
    section = {"fit": {"learning_rate": rate, "batch_size": {"type": "choice", "values": [8, 16]}}}
    values = {"fit": {"learning_rate": 3e-3, "batch_size": 16, "epochs": 3}, "space": section}
    assert searched_lines(space, values) == [
        "searched: fit.learning_rate 0.0001 to 0.01 (log)",
        "fixed by you, not searched: fit.batch_size=16",
    ]


def test_nothing_fixed_is_not_told() -> None:
    assert searched_lines(SearchSpace(common={"method.r": IntRange(4, 8)}), {}) == ["searched: method.r 4 to 8"]


def test_dimensions_of_one_option_say_whose_they_are() -> None:
    """Where those of another are other ones."""
    branches = [
        Branch(choices={"method": name}, space={"fit.learning_rate": IntRange(1, high)}, fixed=())
        for name, high in (("lora", 2), ("full", 3))
    ]
    space = SearchSpace(common={"method": Choice(("lora", "full"))}, branches=branches)
    told = "method lora | full, fit.learning_rate if method=lora 1 to 2, fit.learning_rate if method=full 1 to 3"
    assert searched_lines(space, {}) == [f"searched: {told}"]


@pytest.mark.parametrize(
    ("goals", "told"),
    [
        (goals_of([True]).called("accuracy"), "accuracy, more is better"),
        (goals_of([False]).called("cost"), "cost, less is better"),
        (
            Goals((Objective("f1", maximize=True), Objective("size_mb", maximize=False))),
            "f1, more is better; size_mb, less is better",
        ),
        (
            Goals((Objective("f1", maximize=True),), (Constraint("latency_ms", None, 5.0),)),
            "f1, more is better; within search.constraints of latency_ms",
        ),
    ],
)
def test_what_a_search_goes_by_is_told_with_its_way(goals: Goals, told: str) -> None:
    """A metric that is only measured beside it is not among them."""
    assert goals_line(goals) == f"goes by: {told}"
