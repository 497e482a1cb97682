"""Records of a manifest from plain values."""

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

RecordT = TypeVar("RecordT")


def picked(record: type[RecordT], values: Mapping[str, Any], /, **parsed: Any) -> RecordT:
    """A record of those values that it has fields for; several records share one level of a manifest.

    Null in the place of a number is NaN: JSON has no other word for it.

    Args:
        record: A dataclass.
        values: Plain values by name.
        parsed: Fields that are records themselves, in place of their plain values.

    Raises:
        TypeError: A value is missing.
    """
    kinds = {item.name: item.type for item in fields(record)}  # type: ignore[arg-type]
    read = {name: _number(values[name], kinds[name]) for name in kinds.keys() & values.keys()}
    return record(**{**read, **parsed})


def _number(value: Any, kind: Any) -> Any:
    if kind is float and value is None:
        return math.nan
    if kind == Mapping[str, float] and isinstance(value, Mapping):
        return {name: _number(one, float) for name, one in value.items()}
    return value
