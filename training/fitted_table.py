"""Tables on the terminal: whole columns, never half a number; into a file or a pipe as wide as they are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment, Segments
from rich.table import Table
from rich.text import Text

# between two columns
GAP = 2
# of a column of names or texts, where there is no room for all
SHORTEST_TEXT = 8
# what a line of a file may be
WIDE = 10_000


@dataclass(slots=True)
class _Column:
    name: str
    justify: Literal["left", "right"]
    folds: bool
    cells: list[Text] = field(default_factory=list)

    @property
    def width(self) -> int:
        return max((Text(self.name).cell_len, *(_width(cell) for cell in self.cells)))

    @property
    def least(self) -> int:
        """Of a text that may be broken; a number, or one beside others of its kind, stays whole."""
        if not self.folds:
            return self.width
        numbers = (cell.cell_len for cell in self.cells if _is_number(cell.plain))
        return min(self.width, max((SHORTEST_TEXT, *numbers)))


class _Block(NamedTuple):
    """Columns that stand beside each other, by their places, and their widths in characters."""

    places: Sequence[int]
    widths: Sequence[int]


class FittedTable:
    """A table that is as narrow as the terminal, by whole columns.

    What has no room stands below, under the first columns once more; or it is left out, and named under the table.
    """

    def __init__(
        self,
        title: str = "",
        *,
        keys: int = 1,
        spare: Sequence[str] | None = None,
        kept: Sequence[str] = (),
        notes: Sequence[str] = (),
    ) -> None:
        """An empty table.

        Args:
            title: Above it, over the whole width of the terminal.
            keys: How many columns, the first ones, name the rows.
            spare: What is left out where there is no room, the first one first, then the other columns from the right;
                None puts them below.
            kept: What stays in any width, beside those that name the rows.
            notes: Lines under it, such as what a mark means.
        """
        self._title, self._keys, self._spare = title, keys, spare
        self._kept = kept
        self.notes = list(notes)
        self._columns: list[_Column] = []
        self._styles: list[str] = []

    def add_column(self, name: str = "", *, justify: Literal["left", "right"] = "right", folds: bool = False) -> None:
        """A column; one of names or texts may be broken (`folds`) where there is no room, one of numbers never is."""
        self._columns.append(_Column(name, justify, folds))

    def add_row(self, *cells: str | Text, style: str = "") -> None:
        """A row, one cell a column; nothing in a text is markup."""
        for column, cell in zip(self._columns, cells, strict=True):
            column.cells.append(cell if isinstance(cell, Text) else Text(cell))
        self._styles.append(style)

    @property
    def width(self) -> int:
        """In characters, with all columns beside each other."""
        return _sum(column.width for column in self._columns)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width if console.is_terminal else max(options.max_width, self.width)
        asked = options.update(width=width)
        blocks, left_out = self._fitted(width)
        if self._title:
            yield from stripped(console, asked, Text(self._title, style="bold"))
        for block in blocks if self._columns else ():
            yield from stripped(console, asked, self._drawn(block))
        for note in (*self.notes, *self._told(left_out)):
            yield from stripped(console, asked, Text(note))

    def _told(self, left_out: Sequence[int]) -> list[str]:
        if not left_out:
            return []
        return [f"no room in this width for: {', '.join(self._columns[at].name for at in sorted(left_out))}"]

    def _fitted(self, width: int) -> tuple[list[_Block], Sequence[int]]:
        """The blocks, and what is left out."""
        places = list(range(len(self._columns)))
        if self._spare is not None:
            left_out = self._left_out(self._spare, width)
            kept = [at for at in places if at not in left_out]
            return [_Block(kept, self._widths(kept, width))], left_out
        keys, rest, blocks = places[: self._keys], places[self._keys :], []
        while rest:
            taken = rest[:1]
            while len(taken) < len(rest) and self._least([*keys, *rest[: len(taken) + 1]]) <= width:
                taken = rest[: len(taken) + 1]
            blocks.append(_Block([*keys, *taken], self._widths([*keys, *taken], width)))
            rest = rest[len(taken) :]
        return blocks or [_Block(keys, self._widths(keys, width))], []

    def _left_out(self, spare: Sequence[str], width: int) -> list[int]:
        places = range(len(self._columns))
        kept = [at for at in places if at < self._keys or self._columns[at].name in self._kept]
        named = (at for name in spare for at in reversed(places) if self._columns[at].name == name)
        first = [at for at in dict.fromkeys(named) if at not in kept]
        order = [*first, *(at for at in reversed(places) if at not in first and at not in kept)]
        left_out: list[int] = []
        while order and self._least([at for at in places if at not in left_out]) > width:
            left_out.append(order.pop(0))
        # what is narrow enough comes back
        for at in reversed(left_out):
            if self._least([one for one in places if one not in left_out or one == at]) <= width:
                left_out.remove(at)
        return left_out

    def _least(self, places: Sequence[int]) -> int:
        return _sum(self._columns[at].least for at in places)

    def _widths(self, places: Sequence[int], width: int) -> list[int]:
        """Of each column: what is too much is taken from the widest text."""
        columns = [self._columns[at] for at in places]
        widths = [column.width for column in columns]
        while _sum(widths) > width:
            free = [at for at, column in enumerate(columns) if widths[at] > column.least]
            if not free:
                break
            widths[max(free, key=lambda at: widths[at])] -= 1
        return widths

    def _drawn(self, block: _Block) -> Table:
        table = Table(pad_edge=False, box=None, show_header=any(column.name for column in self._columns))
        columns = [self._columns[at] for at in block.places]
        for column, width in zip(columns, block.widths, strict=True):
            head = Text(column.name)
            table.add_column(head, justify=column.justify, width=width, no_wrap=not column.folds, overflow="fold")
        for at, style in enumerate(self._styles):
            table.add_row(*(column.cells[at] for column in columns), style=style)
        return table


def print_table(console: Console, table: RenderableType) -> None:
    """Print a table or a text; into a file or a pipe in the width that it needs, without blanks at its lines' ends."""
    if console.is_terminal:
        console.print(table, highlight=False)
        return
    options = console.options.update(width=WIDE)
    console.print(Segments(stripped(console, options, table)), end="", crop=False)


def stripped(console: Console, options: ConsoleOptions, part: RenderableType) -> Iterator[Segment]:
    """The lines of a part, without blanks at their ends."""
    for line in console.render_lines(part, options, pad=False):
        kept = list(line)
        while kept and not kept[-1].text.strip():
            kept.pop()
        if kept:
            last = kept.pop()
            kept.append(Segment(last.text.rstrip(), last.style))
        yield from kept
        yield Segment.line()


def _sum(widths: "Iterator[int] | Sequence[int]") -> int:
    found = list(widths)
    return sum(found) + GAP * max(0, len(found) - 1)


def _width(cell: Text) -> int:
    return max((Text(line).cell_len for line in cell.plain.split("\n")), default=0)


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "").rstrip("%"))
    except ValueError:
        return False
    return True
