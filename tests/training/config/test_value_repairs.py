from dataclasses import dataclass
from typing import Any

import pytest

from slimtune.training.config.schema import parse_section


@dataclass(slots=True, kw_only=True)
class Section:
    rate: float
    rows: int
    names: list[str] | None
    is_on: bool
    by_name: dict[str, int]
    points: list[dict[str, Any]]


SOUND: dict[str, Any] = {"rate": 0.1, "rows": 1, "names": None, "is_on": True, "by_name": {}, "points": []}


@pytest.mark.parametrize(
    ("key", "value", "repair"),
    [
        ("names", "a", "it is a list; write 'fit.names=[a]'"),
        ("names", 3, "it is a list; write 'fit.names=[3]'"),
        ("names", "a, b", "it is a list; write 'fit.names=[a, b]'"),
        ("by_name", 3, "it has values by name; write 'fit.by_name={name:value}'"),
        ("by_name", ["a"], "it has values by name; write 'fit.by_name={name:value}'"),
        ("names", {"a": 1}, "it is a list; write 'fit.names=[...]'"),
        ("names", [["a"]], "its parts are texts, and none is a list or an object"),
        ("names", ["a", None], "none of its parts may be null"),
        ("points", {"a": 1}, "it is a list; write 'fit.points=[{a:1}]'"),
        ("points", 3, "it is a list; write 'fit.points=[{name:value}]'"),
        ("points", ["a"], "its parts have values by name; write 'fit.points=[{name:value}]'"),
        ("is_on", "maybe", "use true or false"),
        ("is_on", 0.5, "use true or false"),
        ("is_on", 2, "use true or false"),
        ("rate", "10%", "use a number, 0.1"),
        ("rate", "0,1", "use a number with a point before its decimals, 0.1"),
        ("rows", "1,000", "use a whole number, 1000"),
        ("rows", 1000.0, "use a whole number, 1000"),
        ("rows", "1k", "use a whole number"),
        (
            "rows",
            [8, 16, 32],
            "use a whole number; to search among several, write fit.rows=8,16,32, or in a file space: "
            "{fit: {rows: {type: choice, values: [8, 16, 32]}}}",
        ),
        (
            "rows",
            "8 16",
            "use a whole number; to search, write fit.rows=8,16 for one of them, or 'fit.rows=int(interval(8,16))' for "
            "what is between, in a file space: {fit: {rows: {type: int, low: 8, high: 16}}}",
        ),
        *(
            (
                "rate",
                value,
                "use a number; to search, write fit.rate=1e-05,0.1 for one of them, or "
                "'fit.rate=interval(1e-05,0.1)' for what is between, in a file space: "
                "{fit: {rate: {type: float, low: 1e-05, high: 0.1}}}",
            )
            for value in (
                *("1e-05:0.1", "1e-05..0.1", "1e-05-0.1", "1e-05, 0.1", [1e-5, 0.1]),
                *({"min": 1e-5, "max": 0.1}, {"type": "float", "low": 1e-5, "high": 0.1}),
            )
        ),
        *(
            (
                "rate",
                value,
                "use a number; a range stands under space, space: "
                "{fit: {rate: {type: float, low: 1e-5, high: 0.1, log: true}}}",
            )
            for value in ("tag(log, interval(1e-5, 0.1))", "loguniform(1e-5, 0.1)")
        ),
    ],
)
def test_a_value_of_another_type_is_told_with_what_to_write(key: str, value: Any, repair: str) -> None:
    assert parse_section(Section, {**SOUND, key: value}, "fit").problems == [f"fit.{key} is {value!r}; {repair}"]


@pytest.mark.parametrize("value", [True, "yes", "off", 0, 1])
def test_what_says_true_or_false_is_one(value: Any) -> None:
    assert parse_section(Section, {**SOUND, "is_on": value}, "fit").problems == []


def test_what_is_not_searched_has_no_advice_on_searching() -> None:
    (told,) = parse_section(Section, {**SOUND, "rows": [8, 16]}, "search").problems
    assert told.endswith("use a whole number")
