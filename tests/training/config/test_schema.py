import math
from dataclasses import dataclass, field
from typing import Any

import pytest

from slimtune.training.config.near_names import nearest_name
from slimtune.training.config.schema import LARGEST, above_zero, not_negative, parse_section, seed, suggestion


@dataclass(slots=True, kw_only=True)
class Section:
    rate: float = field(metadata=above_zero(0.1))
    name: str
    rows: int | None


def test_valid_values_become_a_typed_section() -> None:
    """Numbers are converted to the field's type; null stays None."""
    parsed = parse_section(Section, {"rate": 1, "name": "x", "rows": None}, "fit")
    assert parsed.problems == []
    assert parsed.section == Section(rate=1.0, name="x", rows=None)


def test_all_problems_are_reported_at_once() -> None:
    """An unknown key, a missing key and a wrong type stand in one list, each with its repair."""
    parsed = parse_section(Section, {"rat": 1, "rate": "fast", "name": "???", "rows": 2}, "fit")
    assert parsed.found is None
    assert parsed.problems == [
        "fit.rat is not a key; did you mean 'rate'?",
        "fit.rate is 'fast'; use a number",
        "fit.name is missing; set it, e.g. fit.name=...",
    ]


def test_a_list_where_one_name_belongs_is_a_problem() -> None:
    parsed = parse_section(Section, {"rate": 1, "name": ["a", "b"], "rows": 1}, "fit")
    assert parsed.problems == ["fit.name is ['a', 'b']; use one text or name, no list or object"]


def test_rules_name_key_value_and_repair() -> None:
    """A value of the right type that breaks its rule is a problem too."""
    parsed = parse_section(Section, {"rate": -1, "name": "x", "rows": 1}, "fit")
    assert parsed.problems == ["fit.rate is -1; use a number above 0, e.g. 0.1"]


def test_null_where_a_value_is_needed_is_a_problem() -> None:
    assert parse_section(Section, {"rate": 1, "name": None, "rows": 1}, "fit").problems == [
        "fit.name is None; it must not be null"
    ]


def test_nothing_near_lists_what_is_known() -> None:
    assert nearest_name("zzz", ["rate"]) is None
    assert suggestion("zzz", ["b", "a"]) == "known: a, b"


@pytest.mark.parametrize("rule", [above_zero(1), not_negative(1)])
def test_a_number_is_finite(rule: Any) -> None:
    assert rule["rule"].holds(1.5)
    assert not rule["rule"].holds(math.inf)
    assert not rule["rule"].holds(math.nan)


def test_a_seed_is_what_every_library_takes() -> None:
    """scikit-learn and NumPy have 32 bits for it, and say so when the rows have been read."""
    holds = seed()["rule"].holds
    assert [holds(value) for value in (0, 2**32 - 1, 2**32, -1)] == [True, True, False, False]


def test_a_whole_number_can_be_counted_by() -> None:
    """A tokenizer or a tensor would raise of it, in the middle."""
    values = {"rate": 1, "name": "x", "rows": 10**20}
    assert parse_section(Section, values, "fit").problems == [
        f"fit.rows is {10**20}; use a number of at most {LARGEST}"
    ]
    assert not parse_section(Section, values | {"rows": LARGEST}, "fit").problems
