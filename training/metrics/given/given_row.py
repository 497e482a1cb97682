"""A row, which names its columns where one is asked for that it lacks."""

from collections.abc import Mapping
from typing import Any, NoReturn

from slimtune.training.config.near_names import nearest_name
from slimtune.training.config.own_code import own_copy
from slimtune.training.listed_names import with_commas

MOST_NAMED = 12


class GivenRow(dict[str, Any]):
    """A dict, but for what it says of a column that it lacks."""

    def __missing__(self, column: object) -> NoReturn:
        error = KeyError(column)
        error.add_note(_said(column, list(map(str, self))))
        raise error


def given_row(row: Mapping[str, Any]) -> GivenRow:
    """A row for a metric of the user's own: whatever is changed in it, the data stays as it is."""
    return GivenRow(own_copy(row))


def told_columns(error: Exception) -> str:
    """Which columns there are, where a row was asked for another one; empty where it was not."""
    return "".join(getattr(error, "__notes__", ())) if isinstance(error, KeyError) else ""


def _said(column: object, known: list[str]) -> str:
    near = nearest_name(column, known) if isinstance(column, str) else None
    more = f" and {len(known) - MOST_NAMED:,} more" if len(known) > MOST_NAMED else ""
    return f"the row has {with_commas(known[:MOST_NAMED])}{more}" + (f"; did you mean '{near}'?" if near else "")
