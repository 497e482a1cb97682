from typing import Any

import pytest

from slimtune.sweeper.space.read_space import read_space

BOTH = (
    "{type: choice, values: [1e-05, 0.001]} for one of these, or {type: float, low: 1e-05, high: 0.001} for all between"
)


@pytest.mark.parametrize(
    ("given", "own"),
    [
        ([1e-5, 1e-3], BOTH),
        ([8, 16, 32], "{type: choice, values: [8, 16, 32]}"),
        (["a", True, None], "{type: choice, values: [a, true, null]}"),
        ({"min": 1e-5, "max": 1e-3}, "{type: float, low: 1e-05, high: 0.001}"),
        ({"min": 1, "max": 8}, "{type: int, low: 1, high: 8}"),
        ({"low": 4, "high": 16, "step": 4}, "{type: int, low: 4, high: 16, step: 4}"),
        ({"low": 1, "high": 8, "log": True}, "{type: int, low: 1, high: 8, log: true}"),
        ({"distribution": "log_uniform_values", "min": 1, "max": 8}, "{type: float, low: 1, high: 8, log: true}"),
        ({"values": [8, 16]}, "{type: choice, values: [8, 16]}"),
        ({"type": "loguniform", "low": 0.1, "high": 0.2}, "{type: float, low: 0.1, high: 0.2, log: true}"),
        ({"type": "uniform", "min": 1, "max": 3}, "{type: float, low: 1, high: 3}"),
        ({"type": "categorical", "choices": ["a", "b"]}, "{type: choice, values: [a, b]}"),
    ],
)
def test_a_dimension_in_the_form_of_another_tool_is_told_in_ours(given: Any, own: str) -> None:
    found = read_space({"fit": {"rate": given}})
    (problem,) = found.problems
    assert problem.startswith("space.fit.rate")
    assert problem.endswith(f"; write {own}")
    assert found.space == {}


def test_a_key_by_anothers_name() -> None:
    assert read_space({"rate": {"type": "float", "min": 1, "high": 2}}).problems == [
        "space.rate.min is not a key; did you mean 'low'?"
    ]


@pytest.mark.parametrize("given", [{"type": "normal", "mu": 0}, {"type": ["float"], "low": 1}, {"values": 3}, []])
def test_what_no_dimension_is_seen_in_is_told_with_an_example(given: Any) -> None:
    (problem,) = read_space({"rate": given}).problems
    assert "use a dimension, e.g." in problem or "use one of float, int, choice" in problem


def test_levels_may_be_called_as_keys_of_dimensions() -> None:
    found = read_space({"max": {"low": {"type": "int", "low": 1, "high": 2}}})
    assert (list(found.space), found.problems) == (["max.low"], [])
