from typing import Any

import pytest

from slimtune.sweeper.space.dimension import Choice, FloatRange, IntRange, edges
from slimtune.sweeper.space.read_space import read_space

FORM = {
    "learning_rate": {"type": "float", "low": 1e-6, "high": 1e-3, "log": True},
    "lora_r": {"type": "int", "low": 8, "high": 64},
    "batch_size": {"type": "choice", "values": [8, 16, 32]},
}


def test_every_kind_of_dimension_is_read() -> None:
    space, problems, _ = read_space(FORM)
    assert problems == []
    assert space == {
        "learning_rate": FloatRange(1e-6, 1e-3, log=True),
        "lora_r": IntRange(8, 64),
        "batch_size": Choice((8, 16, 32)),
    }


def test_nested_and_dotted_keys_are_the_same() -> None:
    assert read_space({"fit": FORM}).space == read_space({f"fit.{key}": value for key, value in FORM.items()}).space


def test_lists_and_null_can_be_chosen() -> None:
    space, _, _ = read_space({"x": {"type": "choice", "values": [["a", "b"], None, {"k": 1}]}})
    assert edges(space["x"]) == ("[a,b]", None, "{k:1}")


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"type": "flot", "low": 1, "high": 2}, "space.x.type is 'flot'; use one of float, int, choice"),
        ({"type": "float", "low": 1, "hig": 2}, "space.x.hig is not a key; did you mean 'high'?"),
        (
            {"type": "float", "low": 2, "high": 1},
            "space.x.low is 2, above high (1); swap them",
        ),
        ({"type": "float", "low": 0, "high": 1, "log": True}, "space.x.low is 0 with log: true"),
        ({"type": "int", "low": 0.5, "high": 2}, "space.x.low is 0.5; use a number of type int"),
        ({"type": "int", "low": 1, "high": 2, "log": True, "step": 2}, "space.x.step cannot go with log"),
        ({"type": "choice", "values": []}, "space.x.values is []; use a list"),
        (3, "space.x is 3; use a dimension"),
    ],
)
def test_a_broken_dimension_is_told_with_its_repair(value: Any, problem: str) -> None:
    _, problems, _ = read_space({"x": value})
    assert len(problems) == 1
    assert problems[0].startswith(problem)
