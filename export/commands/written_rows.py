"""Rows with their answers in a file: JSON Lines, or a table where the file's name says so."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from slimtune.training.atomic_files import json_text, write_jsonl, written_aside

SEPARATORS = {".csv": ",", ".tsv": "\t"}


def is_table(path: Path) -> bool:
    """Whether the file's name says that rows are written as a table."""
    return path.suffix.lower() in SEPARATORS


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> int:
    """A row a line, in place of an older file; how many there are.

    A cell of a table is blank for null and for what a row lacks, text as it is, and anything else as JSON writes it.

    Args:
        path: The file; `.csv` and `.tsv` are tables with a head, others JSON Lines.
        rows: What each row holds.
        columns: All names in the rows, as a table has them from left to right.
    """
    if not is_table(path):
        return write_jsonl(path, rows)
    num_rows = 0
    with written_aside(path) as aside, aside.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        # with its usual end of a line, a lone carriage return in a text is quoted as well
        table = csv.writer(file, delimiter=SEPARATORS[path.suffix.lower()])
        table.writerow(columns)
        for row in rows:
            table.writerow([_cell(row.get(name)) for name in columns])
            num_rows += 1
    return num_rows


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool() | int() | float() | list() | dict():
            text = json_text(value, ensure_ascii=False, default=str)
            # of a number that is NaN or infinite
            return "" if text == "null" else text
        case _:
            return str(value)
