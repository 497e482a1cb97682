"""Records of a manifest from plain values, each value looked at."""

import json
import math
import types
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

RecordT = TypeVar("RecordT")
WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false", types.NoneType: "null"}
MOST_SIGNS = 40


def picked(record: type[RecordT], values: Mapping[str, Any], /, **parsed: Any) -> RecordT:
    """A record of those values that it has fields for; several records share one level of a manifest.

    Null in the place of a number is NaN: JSON has no other word for it.

    Args:
        record: A dataclass or a named tuple.
        values: Plain values by name.
        parsed: Fields that are records themselves, in place of their plain values.

    Raises:
        TypeError: A value is missing.
        ValueError: A value is of another kind than the field.
    """
    kinds = _kinds(record)
    read = {name: _number(values[name], kinds[name]) for name in kinds.keys() & values.keys()}
    for name in sorted(read.keys() - parsed.keys()):
        if not _fits(read[name], kinds[name]):
            written = json.dumps(read[name], default=str)
            shown = written if len(written) <= MOST_SIGNS else f"{written[:MOST_SIGNS]} ..."
            raise ValueError(f"its '{name}' is {shown}, and not {_words(kinds[name])}")
    return _made(record, {**read, **parsed})


def exactly(record: type[RecordT], values: Any, /) -> RecordT:
    """A record of values that are all its own.

    Raises:
        TypeError: A value is missing.
        ValueError: A value is unknown, or of another kind than the field.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"a record in it is {json.dumps(values, default=str):.40}, and no object in braces")
    unknown = sorted(values.keys() - _kinds(record).keys())
    if unknown:
        raise ValueError(f"it has '{unknown[0]}', which this version of slimtune does not know")
    return picked(record, values)


def _made(record: type[RecordT], values: Mapping[str, Any]) -> RecordT:
    try:
        return record(**values)
    except TypeError:
        lacking = next((name for name in _kinds(record) if name not in values and _is_needed(record, name)), None)
        if lacking is None:
            raise
        raise KeyError(lacking) from None


def _is_needed(record: type[Any], name: str) -> bool:
    defaults = getattr(record, "_field_defaults", None)
    if defaults is not None:
        return name not in defaults
    field = record.__dataclass_fields__[name]
    return field.default is field.default_factory  # both are MISSING


def _kinds(record: Any) -> Mapping[str, Any]:
    return get_type_hints(record)


def _number(value: Any, kind: Any) -> Any:
    if kind is float and value is None:
        return math.nan
    if kind == Mapping[str, float] and isinstance(value, Mapping):
        return {name: _number(one, float) for name, one in value.items()}
    return value


def _fits(value: Any, kind: Any) -> bool:
    """Whether a plain value is of a field's kind; kinds that are no plain ones are looked at where they are parsed."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return any(_fits(value, part) for part in parts)
    if origin in (Sequence, list):
        return isinstance(value, list | tuple) and all(_fits(one, parts[0]) for one in value)
    if origin is Mapping:
        return isinstance(value, Mapping) and all(_fits(one, parts[1]) for one in value.values())
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kind) if kind in WORDS else True


def _words(kind: Any) -> str:
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return " or ".join(_words(part) for part in parts)
    if origin in (Sequence, list):
        return "a list" if parts[0] is Any else f"a list of which each is {_words(parts[0])}"
    return "an object in braces" if origin is Mapping else WORDS.get(kind, "such a value")
