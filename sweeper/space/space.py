"""The search space: what may vary, from a config or from Hydra's sweep syntax."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from hydra.core.override_parser.types import Quote, QuotedString

from slimtune.training.config.schema import suggestion

Scalar = str | int | float | bool | None

KINDS = ("float", "int", "choice")
RANGE_KEYS = {"type", "low", "high", "log", "step"}
CHOICE_KEYS = {"type", "values"}
# what Hydra's grammar reads as one plain text
PLAIN = re.compile(r"[A-Za-z_][\w./+-]*")
WORDS = {"null", "true", "false", "nan", "inf"}


@dataclass(frozen=True, slots=True)
class FloatRange:
    """Real numbers in [low, high], evenly or evenly in the logarithm, or multiples of `step` above `low`."""

    low: float
    high: float
    log: bool = False
    step: float | None = None


@dataclass(frozen=True, slots=True)
class IntRange:
    """Whole numbers in [low, high]; both ends count."""

    low: int
    high: int
    log: bool = False
    step: int = 1


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values; a list or mapping stands as its text in Hydra's grammar."""

    values: tuple[Scalar, ...]


Dimension = FloatRange | IntRange | Choice
Space = dict[str, Dimension]


class ReadSpace(NamedTuple):
    """A space and what is wrong with it."""

    space: Space
    problems: list[str]


def read_space(values: Mapping[str, Any], prefix: str = "") -> ReadSpace:
    """The dimensions in a mapping.

    A mapping with the key `type` is a dimension, any other mapping a level of the key; `fit: {learning_rate: ...}`
    and `fit.learning_rate: ...` are the same.
    """
    space: Space = {}
    problems: list[str] = []
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and "type" not in value:
            inner = read_space(value, f"{name}.")
            space |= inner.space
            problems += inner.problems
        elif isinstance(value, Mapping):
            dimension = _dimension(name, value, problems)
            if dimension is not None:
                space[name] = dimension
        elif value is not None:
            problems.append(f"space.{name} is {value!r}; use a dimension, e.g. {{type: float, low: 0.1, high: 1}}")
    return ReadSpace(space, problems)


def _dimension(name: str, value: Mapping[str, Any], problems: list[str]) -> Dimension | None:
    kind = value["type"]
    if kind not in KINDS:
        problems.append(f"space.{name}.type is {kind!r}; use one of {', '.join(KINDS)}")
        return None
    known = CHOICE_KEYS if kind == "choice" else RANGE_KEYS
    unknown = [key for key in value if key not in known]
    if unknown:
        problems.append(f"space.{name}.{unknown[0]} is not a key; {suggestion(str(unknown[0]), known)}")
        return None
    return _choice(name, value, problems) if kind == "choice" else _range(name, value, problems)


def _choice(name: str, value: Mapping[str, Any], problems: list[str]) -> Choice | None:
    values = value.get("values")
    if not isinstance(values, list) or not values:
        problems.append(f"space.{name}.values is {values!r}; use a list, e.g. [8, 16, 32]")
        return None
    return Choice(tuple(item if isinstance(item, Scalar) else encode(item) for item in values))


def _range(name: str, value: Mapping[str, Any], problems: list[str]) -> Dimension | None:
    number = int if value["type"] == "int" else (int, float)
    low: Any = value.get("low")
    high: Any = value.get("high")
    log: Any = value.get("log", False)
    step: Any = value.get("step")
    for key, end in (("low", low), ("high", high)):
        if not isinstance(end, number) or isinstance(end, bool):
            problems.append(f"space.{name}.{key} is {end!r}; use a number of type {value['type']}")
            return None
    if step is not None and (not isinstance(step, number) or isinstance(step, bool)):
        problems.append(f"space.{name}.step is {step!r}; use a number of type {value['type']}")
        return None
    broken = range_problem(low, high, log=log, step=step)
    if broken:
        problems.append(f"space.{name}{broken}")
        return None
    if value["type"] == "int":
        return IntRange(low, high, log, int(step) if step else 1)
    return FloatRange(float(low), float(high), log, step)


def range_problem(low: Any, high: Any, *, log: Any, step: Any) -> str | None:
    """What is wrong with the ends of a range, as the end of a sentence that begins with its key."""
    if low > high:
        return f".low is {low}, above high ({high}); swap them"
    if not isinstance(log, bool):
        return f".log is {log!r}; use true or false"
    if log and low <= 0:
        return f".low is {low} with log: true; use a low above 0"
    if log and step is not None:
        return ".step cannot go with log: true; remove one of them"
    if step is not None and step <= 0:
        return f".step is {step}; use a number above 0"
    return None


def edges(dimension: Dimension) -> tuple[Scalar, ...]:
    """Values that must be valid for the whole dimension to be: both ends and a point between, or every choice.

    The point between shows a key that takes whole numbers only.
    """
    match dimension:
        case FloatRange(low, high, _, None):
            return (low, high, low + (high - low) / 3)
        case FloatRange(low, high) | IntRange(low, high):
            return (low, high)
        case Choice(values):
            return values


def point_in(space: Space, values: Mapping[str, Any], choices: Mapping[str, Any]) -> dict[str, Scalar]:
    """The config's own point of a space: each searched key's present value, where its dimension holds it.

    Args:
        space: What is searched.
        values: The composed config.
        choices: The options that its config groups were composed with.
    """
    point: dict[str, Scalar] = {}
    for key, dimension in space.items():
        name = key.lstrip("+")
        value: Any = choices.get(name, values)
        for part in name.split(".") if value is values else ():
            value = value.get(part) if isinstance(value, Mapping) else None
        if isinstance(dimension, Choice):
            held = [item for item in dimension.values if _same(item, value)]
            if held:
                point[key] = held[0]
        elif _holds(dimension, value):
            point[key] = value
    return point


def _same(item: Scalar, value: Any) -> bool:
    if not isinstance(value, Scalar):
        value = encode(value)
    return item == value and isinstance(item, bool) == isinstance(value, bool)


def _holds(dimension: FloatRange | IntRange, value: Any) -> bool:
    number = (int, float) if isinstance(dimension, FloatRange) else int
    if not isinstance(value, number) or isinstance(value, bool) or not dimension.low <= value <= dimension.high:
        return False
    steps = (value - dimension.low) / dimension.step if dimension.step else 0
    return abs(steps - round(steps)) < 1e-9


def encode(value: Any) -> str:
    """A value in Hydra's override grammar."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int() | float():
            return repr(value)
        case str() if PLAIN.fullmatch(value) and value.lower() not in WORDS:
            return value
        case str():
            return QuotedString(text=value, quote=Quote.single).with_quotes()
        case Mapping():
            return "{" + ",".join(f"{encode(key)}:{encode(item)}" for key, item in value.items()) + "}"
        case _:
            return "[" + ",".join(encode(item) for item in value) + "]"


def override(key: str, value: Scalar, *, is_group: bool) -> str:
    """The override that sets a sampled value, or chooses an option of a config group.

    Texts of lists and mappings pass as they are. Values are set by force, so that a key added on the command line
    (`+key=...`) can be searched too.
    """
    is_structure = isinstance(value, str) and value[:1] in ("[", "{")
    return f"{'' if is_group else '++'}{key}={value if is_structure else encode(value)}"
