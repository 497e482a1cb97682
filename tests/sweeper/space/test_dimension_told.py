import pytest

from slimtune.sweeper.goals.read_config import parse_goals
from slimtune.sweeper.space.dimension import Choice, FloatRange, IntRange
from slimtune.sweeper.space.dimension_told import refusals, value_problems

WHOLE = ["method.r is 1.0; use a whole number, 1", "method.r is 8.0; use a whole number, 8"]


@pytest.mark.parametrize(
    ("written", "dimension", "repair"),
    [
        ("method.r=interval(1,8)", FloatRange(1, 8), "write 'method.r=int(interval(1,8))', or 'method.r=range(1,9)'"),
        (
            "method.r=tag(log,interval(1.5,8))",
            FloatRange(1.5, 8, log=True),
            "write 'method.r=tag(log,int(interval(2,8)))'",
        ),
        ("space.method.r", FloatRange(1, 8), "write type: int, low: 1, high: 8"),
    ],
)
def test_an_interval_of_whole_numbers_is_told_once(written: str, dimension: FloatRange, repair: str) -> None:
    assert value_problems(written, "method.r", dimension, WHOLE) == [
        f"{written}: method.r takes whole numbers alone; {repair}"
    ]


def test_a_list_without_brackets_is_told_once() -> None:
    told = [f"method.target_modules is '{one}'; it is a list; write ..." for one in ("query", "value")]
    (problem,) = value_problems(
        "method.target_modules=query,value", "method.target_modules", Choice(("query", "value")), told
    )
    assert "write 'method.target_modules=[query,value]' for one list" in problem
    assert "'method.target_modules=[query],[value]' to search" in problem


def test_a_list_of_what_is_never_searched_has_one_way_to_be_written() -> None:
    """The section `search` says how to search."""
    problems = [problem for name in "ab" for problem in parse_goals({"objectives": name}, []).problems]
    given = ("search.objectives=a,b", "search.objectives", Choice(("a", "b")))
    assert value_problems(*given, problems) == [
        "search.objectives=a,b: search.objectives is a list; write 'search.objectives=[a,b]'"
    ]


def test_lists_beside_a_name_stay_as_they_are() -> None:
    """What is told is accepted: no list in a list, and no one list of lists."""
    values, key = ("[query]", "[query,value]", "all-linear"), "method.target_modules"
    told = [f"{key} is 'all-linear'; it is a list; write ..."]
    (problem,) = value_problems(f"{key}={','.join(values)}", key, Choice(values), told)
    assert problem.endswith(f"is a list; write '{key}=[query],[query,value],[all-linear]' to search over several")


def test_a_number_with_a_comma_between_thousands() -> None:
    (problem,) = value_problems("fit.max_steps=1,000", "fit.max_steps", Choice((1, 0)), ["fit.max_steps is 0; ..."])
    assert problem.endswith("; for one number write 1000")


def test_other_problems_stay() -> None:
    assert value_problems("fit.seed=0,-1", "fit.seed", Choice((0, -1)), ["a", "b"]) == [
        "fit.seed=0,-1: a",
        "fit.seed=0,-1: b",
    ]
    assert value_problems("fit.seed=0,-1", "fit.seed", Choice((0, -1)), []) == []


def test_numbers_of_a_range_that_break_one_rule_are_told_once() -> None:
    told = [f"fit.learning_rate is {value}; use a number above 0" for value in (-1.0, -0.33)]
    (problem,) = value_problems("fit.learning_rate=interval(-1,1)", "fit.learning_rate", FloatRange(-1, 1), told)
    assert problem.endswith("is -1.0; use a number above 0")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (
            "data.train_file=a,b.csv",
            'if the comma is part of one text, write "data.train_file=\\"a,b.csv\\"", for files that are read as one '
            "'data.train_file=[a,b.csv]'",
        ),
        ("search.name=a,b", 'if the comma is part of one text, write "search.name=\\"a,b\\""'),
    ],
)
def test_a_text_with_a_comma_is_no_search(written: str, meant: str) -> None:
    key, _, value = written.partition("=")
    assert refusals(written, key, Choice(tuple(value.split(","))), ["no"]) == [f"no; {meant}"]


def test_what_is_plainly_a_search_is_told_as_such() -> None:
    assert refusals("search.seed=1,2", "search.seed", Choice((1, 2)), ["no"]) == ["no"]
    assert refusals("search.name=choice(a,b)", "search.name", Choice(("a", "b")), ["no"]) == ["no"]
    assert refusals("search.seed=range(1,3)", "search.seed", IntRange(1, 2), ["no"]) == ["no"]
