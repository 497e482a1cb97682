import csv
from pathlib import Path

import pytest

from slimtune.export.commands.written_rows import write_rows
from slimtune.training.data.readers.reader import read_rows

ROWS = [
    {"text": 'a "b", c', "note": "one\ntwo", "prediction": "late", "probability": 0.25},
    {"text": "lone\rreturn\tand tab", "prediction": None, "probability": float("nan")},
    {"text": "; = ä", "note": "", "prediction": [{"text": "ä", "label": "x"}], "probability": True},
]
COLUMNS = ["text", "note", "prediction", "probability"]


@pytest.mark.parametrize(("name", "separator"), [("a.csv", ","), ("a.TSV", "\t")])
def test_a_table_has_each_value_in_its_cell(tmp_path: Path, name: str, separator: str) -> None:
    path = tmp_path / name
    assert write_rows(path, iter(ROWS), COLUMNS) == 3
    with path.open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file, delimiter=separator)
    assert head == COLUMNS
    assert rows == [
        ['a "b", c', "one\ntwo", "late", "0.25"],
        ["lone\rreturn\tand tab", "", "", ""],
        ["; = ä", "", '[{"text": "ä", "label": "x"}]', "true"],
    ]


def test_a_table_is_read_again_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write_rows(path, ROWS, COLUMNS)
    assert [one["text"] for one in read_rows(str(path))] == [one["text"] for one in ROWS]


def test_other_names_are_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    assert write_rows(path, ROWS[:1], []) == 1
    assert path.read_text().startswith('{"text": "a \\"b\\", c"')
