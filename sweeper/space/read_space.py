"""The search space from a config's mappings."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from slimtune.sweeper.space.dimension import (
    Choice,
    Dimension,
    FloatRange,
    IntRange,
    Space,
    choice_of,
    last_step,
    range_problem,
)
from slimtune.sweeper.space.foreign_form import is_dimension, own_form, own_key
from slimtune.sweeper.space.override_text import choice_value
from slimtune.training.config.dotted_keys import as_levels
from slimtune.training.config.near_names import nearest_name
from slimtune.training.config.schema import suggestion
from slimtune.training.errors import ConfigError

DIMENSION_TYPES = ("float", "int", "choice")
RANGE_KEYS = {"type", "low", "high", "log", "step"}
CHOICE_KEYS = {"type", "values"}
NEEDED = {"float": {"low", "high"}, "int": {"low", "high"}, "choice": {"values"}}


class ReadSpace(NamedTuple):
    """A space and what is wrong with it.

    Attributes:
        space: Dimensions by key.
        problems: Of those that are left out, and of keys.
        unread: Keys of dimensions that are left out.
    """

    space: Space
    problems: list[str]
    unread: Sequence[str] = ()


def read_space(values: Mapping[str, Any], prefix: str = "") -> ReadSpace:
    """The dimensions in a mapping.

    A mapping with the key `type` is a dimension, any other mapping a level of the key; `fit: {learning_rate: ...}`
    and `fit.learning_rate: ...` are the same. A dimension in the form of another tool is a problem that says ours.
    """
    space: Space = {}
    problems: list[str] = []
    unread: list[str] = []
    if not isinstance(values, Mapping):
        return ReadSpace({}, [f"space is {values!r}; use a mapping of dimensions by key, or space=none"])
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and not is_dimension(value):
            inner = read_space(value, f"{name}.")
            problems += _twice(space, inner.space)
            space |= inner.space
            problems += inner.problems
            unread += inner.unread
        elif isinstance(value, Mapping):
            dimension = _dimension(name, value, problems)
            if dimension is None:
                unread.append(name)
            else:
                problems += _twice(space, {name: dimension})
                space[name] = dimension
        elif value is not None:
            problems.append(f"space.{name} is {value!r}; {_repair(value)}")
            unread.append(name)
    return ReadSpace(space, problems, unread)


def _twice(space: Space, further: Space) -> list[str]:
    """Keys that stand there as levels and with dots, with dimensions that are not the same."""
    twice = [key for key in further if key in space and space[key] != further[key]]
    return [
        f"space.{key} is there twice, as levels and with dots; write levels, {as_levels(f'space.{key}', '...')}"
        for key in twice
    ]


def _dimension(name: str, value: Mapping[str, Any], problems: list[str]) -> Dimension | None:
    kind = value.get("type")
    if kind is None:
        problems.append(f"space.{name} is {dict(value)!r}, without type; {_repair(value)}")
        return None
    if not isinstance(kind, str) or kind not in DIMENSION_TYPES:
        own = None if nearest_name(str(kind), DIMENSION_TYPES) else own_form(value)
        repair = f"write {own}" if own else f"use one of {', '.join(DIMENSION_TYPES)}"
        problems.append(f"space.{name}.type is {kind!r}; {repair}")
        return None
    known = CHOICE_KEYS if kind == "choice" else RANGE_KEYS
    unknown = [key for key in value if key not in known]
    problems += [f"space.{name}.{key} is not a key; {_meant(str(key), known)}" for key in unknown]
    if unknown and not value.keys() >= NEEDED[kind]:
        # one of them may be meant by what is not a key
        return None
    dimension = _choice(name, value, problems) if kind == "choice" else _range(name, value, problems)
    return None if unknown else dimension


def _meant(key: str, known: set[str]) -> str:
    own = own_key(key)
    return f"did you mean '{own}'?" if own in known else suggestion(key, known)


def _repair(value: Any) -> str:
    """What to write in the place of what is no dimension."""
    own = own_form(value)
    alone = "" if isinstance(value, Mapping | list) else "; for one value set the key itself"
    return f"write {own}" if own else f"use a dimension, e.g. {{type: float, low: 0.1, high: 1}}{alone}"


def _choice(name: str, value: Mapping[str, Any], problems: list[str]) -> Choice | None:
    values = value.get("values")
    if not isinstance(values, list) or not values:
        problems.append(f"space.{name}.values is {values!r}; use a list, e.g. [8, 16, 32]")
        return None
    try:
        return choice_of(choice_value(item) for item in values)
    except ConfigError as error:
        problems += [f"space.{name}.values: {problem}" for problem in error.problems]
        return None


def _range(name: str, value: Mapping[str, Any], problems: list[str]) -> Dimension | None:
    number = int if value["type"] == "int" else (int, float)
    low: Any = value.get("low")
    high: Any = value.get("high")
    log: Any = value.get("log", False)
    step: Any = value.get("step")
    given = {"low": low, "high": high} | ({} if step is None else {"step": step})
    wrong = [key for key, one in given.items() if not isinstance(one, number) or isinstance(one, bool)]
    problems += [f"space.{name}.{key} is {given[key]!r}; use a number of type {value['type']}" for key in wrong]
    if wrong:
        return None
    broken = range_problem(low, high, log=log, step=step)
    if broken:
        problems.append(f"space.{name}{broken}")
        return None
    if value["type"] == "int":
        return IntRange(low, last_step(low, high, step), log, int(step) if step else 1)
    return FloatRange(float(low), float(last_step(low, high, step)), log, step)
