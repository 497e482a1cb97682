"""Tables that are as narrow as the terminal."""

from io import StringIO

import pytest
from rich.console import Console
from rich.text import Text

from slimtune.training.fitted_table import FittedTable, print_table

HEADS = ("trial", "learning_rate", "batch_size", "score", "time")
ROWS = (("0", "0.000657", "16", "0.8261 *", "12s"), ("10", "0.001", "8", "0.7000", "1m 05s"))


def table(*, spare: tuple[str, ...] | None = None) -> FittedTable:
    found = FittedTable("a sweep", spare=spare, kept=("score",), notes=["* the best"])
    for name in HEADS:
        found.add_column(name)
    for row in ROWS:
        found.add_row(*row)
    return found


def shown(part: FittedTable, *, width: int, is_terminal: bool = True) -> list[str]:
    file = StringIO()
    print_table(Console(file=file, width=width, force_terminal=is_terminal, color_system=None), part)
    return file.getvalue().splitlines()


@pytest.mark.parametrize("width", [20, 24, 30, 40, 50, 80])
@pytest.mark.parametrize("spare", [None, ("time", "batch_size")])
def test_no_cell_is_broken_in_any_width(width: int, spare: tuple[str, ...] | None) -> None:
    """And no line is wider than the terminal."""
    lines = shown(table(spare=spare), width=width)
    assert max(map(len, lines)) <= width
    words = " ".join(lines).split()
    for cell in [cell for row in ROWS for cell in (row[0], row[3])]:
        assert set(cell.split()) <= set(words)
    whole = {part for row in (HEADS, *ROWS) for cell in row for part in cell.split()}
    assert {word for line in lines[1:4] for word in line.split()} <= whole


def test_what_has_no_room_stands_below() -> None:
    """Under the column that names the rows once more, so that nothing is lost."""
    assert shown(table(), width=30) == [
        "a sweep",
        "trial  learning_rate",
        "    0       0.000657",
        "   10          0.001",
        "trial  batch_size     score",
        "    0          16  0.8261 *",
        "   10           8    0.7000",
        "trial    time",
        "    0     12s",
        "   10  1m 05s",
        "* the best",
    ]


def test_or_it_is_left_out_and_named() -> None:
    """What is missed least first; what must stay stays."""
    assert shown(table(spare=("time",)), width=44)[-2:] == ["* the best", "no room in this width for: time"]
    assert shown(table(spare=("time",)), width=18)[1:3] == ["trial     score", "    0  0.8261 *"]


def test_a_file_has_all_columns_and_no_blanks_at_the_ends_of_lines() -> None:
    lines = shown(table(spare=("time",)), width=20, is_terminal=False)
    assert lines[1].split() == list(HEADS)
    assert all(line == line.rstrip() for line in lines)


def test_a_text_gives_way_and_a_number_in_its_column_does_not() -> None:
    found = FittedTable()
    found.add_column("key", justify="left", folds=True)
    found.add_column("value", folds=True)
    found.add_row("a.key.that.is.long", "-1,234.56789")
    found.add_row("another", "a text that is long as well")
    lines = shown(found, width=24)
    assert max(map(len, lines)) <= 24
    assert any("-1,234.56789" in line for line in lines)


def test_a_line_that_is_broken_in_a_file_has_no_blank_at_its_end_either() -> None:
    file = StringIO()
    print_table(
        Console(file=file, width=20, color_system=None), Text("accuracy 0.7273 (0.5455 to 0.9091), f1_macro 0.7139")
    )
    assert all(line == line.rstrip() for line in file.getvalue().splitlines())
    assert "0.7273" in file.getvalue().split()
