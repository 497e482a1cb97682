from datetime import date, datetime
from typing import Any

import pytest

from slimtune.sweeper.starting.cell_kinds import kind_of_cells
from slimtune.sweeper.starting.questions import shown_columns
from slimtune.sweeper.starting.seen_columns import columns_of_rows

DATES = [
    "2026-03-01",
    "2026-03-01T12:30:00Z",
    "2026-03-01 12:30:00.123456+01:00",
    "2026/3/1",
    "2026-03",
    "20260301T123000Z",
    "1.3.2026",
    "01.03.26",
    "3/1/2026",
    "3/1/26 9:15 PM",
    "1 March 2026",
    "01-Mar-2026",
    "March 1st, 2026",
    "Mar 1, 2026 at 12:30",
    "Sun, 01 Mar 2026 12:30:00 +0000",
    "Sun Mar  1 12:30:00 2026",
]
KINDS = {
    "date": DATES,
    "time": ["12:30", "9:15 PM", "23:59:59.5"],
    "number": ["1,234.50", "12 %", "$5", "-3,5", "7"],
    "URL": ["https://example.org/a?b=1", "www.example.org"],
    "e-mail": ["ann@example.org", "b.c+d@mail.example.co.uk"],
    "yes/no": ["yes", "No", "no"],
}
NONE = ["1.2.3", "10.0.0.1", "A-2026-17", "+49 171 1234567", "2026-13-01", "May I?", "yes", "v2", "ann@home"]


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in KINDS.items() for text in texts])
def test_a_cell_is_called_what_it_is(kind: str, text: str) -> None:
    if kind != "yes/no":
        assert kind_of_cells([text], [text]) == kind


@pytest.mark.parametrize("text", NONE)
def test_what_only_looks_like_it_has_no_such_kind(text: str) -> None:
    """Versions, addresses of machines, numbers of orders and of phones, a date that is none, one answer of two."""
    assert kind_of_cells([text], [text]) is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_is_told_by_its_kind(kind: str) -> None:
    """Whether its cells repeat or not."""
    rows = [{"it": text} for text in KINDS[kind]]
    for some in (rows, rows * 5):
        assert shown_columns(columns_of_rows(some))[0].split()[1] == kind


@pytest.mark.parametrize(
    ("cells", "kind"), [([date(2026, 3, 1)], "date"), ([datetime(2026, 3, 1, 12)], "date"), ([True, False], "yes/no")]
)
def test_a_type_says_the_kind(cells: list[Any], kind: str) -> None:
    """As Parquet and JSON have them."""
    assert kind_of_cells(cells, list(map(str, cells))) == kind


def test_a_few_others_do_not_change_the_kind() -> None:
    for num_others, kind in ((1, "date"), (3, None)):
        cells = DATES[:1] * (10 - num_others) + ["soon"] * num_others
        assert kind_of_cells(cells, cells) == kind
