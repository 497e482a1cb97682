"""Pieces of the page as text; whatever comes from elsewhere is escaped here."""

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from slimtune.sweeper.reporting.live_table import duration, value_text
from slimtune.sweeper.space.dimension import is_number


class Cell(NamedTuple):
    """A cell of a table.

    Attributes:
        text: What stands in it, not yet escaped.
        key: A number by which the table is sorted; None sorts by the text.
        more: Of the cell, as markup: what opens under it.
        style: A class.
    """

    text: str
    key: float | None = None
    more: str = ""
    style: str = ""


def escaped(text: object) -> str:
    """As text between tags and in attributes."""
    return html.escape(str(text), quote=True)


def number(value: float | None, *, digits: int = 4) -> Cell:
    """A number, or a dash."""
    if value is None or not math.isfinite(value):
        return Cell("–")
    return Cell(f"{value:z,.0f}" if abs(value) >= 1e4 else f"{value:z.{digits}g}", value)


def score(value: float | None) -> Cell:
    """A score to four places where it is a share, or to as many digits."""
    if value is None or not math.isfinite(value):
        return Cell("–")
    return Cell(f"{value:z.4f}", value) if abs(value) < 10 else number(value, digits=5)


def seconds(value: float | None) -> Cell:
    """A time."""
    return Cell("–") if value is None else Cell(duration(value), value)


def parameter(value: object) -> Cell:
    """A sampled value."""
    if not is_number(value):
        return Cell("–" if value is None else str(value))
    return Cell(value_text(value), float(value))


# a row of a table
Row = Sequence[Cell | str]


class Table(NamedTuple):
    """A table that reads without a script.

    Attributes:
        caption: What it is of.
        columns: Heads; a column whose first cell has a number is set to the right.
        rows: Cells, or texts.
        is_sorted_by_reader: Whether its heads are buttons.
        styles: A class for rows, by their place.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Row]
    is_sorted_by_reader: bool = False
    styles: Mapping[int, str] = {}

    def __str__(self) -> str:
        right = [_is_number(self.rows, at) for at in range(len(self.columns))]
        heads = "".join(self._head(name, at, right[at]) for at, name in enumerate(self.columns))
        body = "".join(self._row(place, row) for place, row in enumerate(self.rows))
        kinds = " sortable" if self.is_sorted_by_reader else ""
        marked = " ".join(f"r{at}" for at, one in enumerate(right) if one)
        return (
            f'<div class="wide" tabindex="0" role="region" aria-label="{escaped(self.caption)}">'
            f'<table class="{marked}{kinds}"><caption>{escaped(self.caption)}</caption>'
            f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
        )

    def _head(self, name: str, at: int, is_number: bool) -> str:
        text = escaped(name)
        inner = f'<button type="button" data-column="{at}">{text}</button>' if self.is_sorted_by_reader else text
        return f'<th scope="col"{" class=n" if is_number else ""}>{inner}</th>'

    def _row(self, place: int, row: Row) -> str:
        style = f' class="{self.styles[place]}"' if place in self.styles else ""
        return f"<tr{style}>{''.join(_cell(one if isinstance(one, Cell) else Cell(one)) for one in row)}</tr>"


def _cell(cell: Cell) -> str:
    # a number that stands there is read from there
    sort = "" if cell.key is None or _reads_as_number(cell.text) else f" data-k={cell.key:.6g}"
    style = f" class={cell.style}" if cell.style else ""
    return f"<td{sort}{style}>{escaped(cell.text)}{cell.more}</td>"


def _reads_as_number(text: str) -> bool:
    """As the page's script reads it."""
    try:
        return math.isfinite(float(text.replace(",", "").removesuffix("%")))
    except ValueError:
        return False


def _is_number(rows: Sequence[Row], at: int) -> bool:
    return any(isinstance(cell := row[at], Cell) and cell.key is not None for row in rows)


def paragraph(text: str) -> str:
    """A sentence or more."""
    return f"<p>{escaped(text)}</p>"


def unordered(items: Iterable[str]) -> str:
    """A list of sentences."""
    return f"<ul>{''.join(f'<li>{escaped(item)}</li>' for item in items)}</ul>"


def folded(summary: str, inner: str) -> str:
    """What is hidden until it is asked for."""
    return f"<details><summary>{escaped(summary)}</summary>{inner}</details>"


def section(anchor: str, title: str, inner: str) -> str:
    """A part of the page, which its table of contents leads to."""
    head = f'<h2 id="{anchor}-h">{escaped(title)}</h2>'
    return f'<section id="{anchor}" aria-labelledby="{anchor}-h">{head}{inner}</section>'
