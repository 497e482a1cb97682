"""Records of a manifest from plain values."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

RecordT = TypeVar("RecordT")


def picked(record: type[RecordT], values: Mapping[str, Any], /, **parsed: Any) -> RecordT:
    """A record of those values that it has fields for; several records share one level of a manifest.

    Args:
        record: A dataclass.
        values: Plain values by name.
        parsed: Fields that are records themselves, in place of their plain values.

    Raises:
        TypeError: A value is missing.
    """
    names = {item.name for item in fields(record)}  # type: ignore[arg-type]
    return record(**{**{name: values[name] for name in names & values.keys()}, **parsed})
