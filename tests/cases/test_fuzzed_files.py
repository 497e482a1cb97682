"""Files of any bytes are rows or one clear message, and the same rows are the same in every format."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slimtune.training.data.cells import text_of
from slimtune.training.data.label_cells import label_of, labels_of
from slimtune.training.data.readers.formats import READERS_BY_ENDING
from slimtune.training.data.readers.reader import read_rows
from slimtune.training.errors import DataError

FUZZED = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
# what files are made of, so that not every one is broken at its first byte
PIECES = [b"{", b"}", b"[", b"]", b'"', b",", b";", b"\t", b"\n", b"\r\n", b":", b"text", b"label", b"1", b"null", b" "]
PIECES += [b'{"text": "a"}\n', b"text,label\n", b"a,b\n", b"\xef\xbb\xbf", b"\xff\xfe", b"\x00", b"\xc3\xa4", b"\xf6"]
PIECES += [b"PAR1", b"ARROW1", b"\x1f\x8b", b"sep=;\n", b"\\ud83d", b"NaN"]
contents = st.lists(st.sampled_from(PIECES) | st.binary(max_size=6), max_size=14).map(b"".join)
# letters that each format can hold; no lone surrogates, which are no text
COLUMNS = ("text", "label", "many")
words = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\",;|'[]{}é"), min_size=1, max_size=12
)


@pytest.mark.parametrize("ending", [*sorted(READERS_BY_ENDING), ".gz", ".xyz"])
@FUZZED
@given(content=contents)
def test_any_bytes_are_rows_or_one_message(tmp_path: Path, ending: str, content: bytes) -> None:
    """Whatever the ending says; the message names the file."""
    path = tmp_path / f"r{ending}"
    path.write_bytes(content)
    try:
        rows = read_rows(str(path))
    except DataError as error:
        message = str(error)
        assert message.startswith(str(path))
        assert "\n" not in message
    else:
        assert all(isinstance(row, dict) for row in rows)


def in_all_formats(folder: Path, rows: list[dict[str, Any]]) -> list[Path]:
    """As the usual writers write them; a column of Parquet has one type."""
    (folder / "r.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (folder / "r.json").write_text(json.dumps(rows, ensure_ascii=False, indent=1), encoding="utf-16")
    for name, sign in (("r.csv", ","), ("semicolons.csv", ";"), ("r.tsv", "\t")):
        text = io.StringIO()
        quoting: Any = csv.QUOTE_NONE if sign == "\t" else csv.QUOTE_MINIMAL
        writer = csv.writer(
            text, delimiter=sign, lineterminator="\n", quoting=quoting, quotechar=None if sign == "\t" else '"'
        )
        writer.writerows([COLUMNS, *(["" if row[name] is None else row[name] for name in COLUMNS] for row in rows)])
        (folder / name).write_text(text.getvalue(), encoding="utf-8")
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), folder / "r.parquet")
    return [folder / name for name in ("r.jsonl", "r.json", "r.csv", "semicolons.csv", "r.tsv", "r.parquet")]


def read_as_a_task(path: Path) -> Any:
    """Texts, labels and lists of labels; of rows that are refused, why."""
    at = ("a row", "a key")
    try:
        return [
            (
                text_of(row, "text", *at),
                label_of(row, "label", *at) if text_of(row, "label", *at) else "",
                labels_of(row, "many", *at),
            )
            for row in read_rows(str(path))
        ]
    except DataError as error:
        return str(error)


def columns_of_one_type(kinds: tuple[Any, ...]) -> Any:
    text, label = kinds
    row = st.fixed_dictionaries(
        {"text": text, "label": label, "many": st.sampled_from(["a, b", "b", "['a', 'b']", ""])}
    )
    return st.lists(row, min_size=1, max_size=5)


@FUZZED
@given(
    rows=st.sampled_from(
        [words, st.none() | words, st.booleans(), st.none() | st.integers(-99, 99), st.integers(-99, 99).map(float)]
    ).flatmap(lambda label: columns_of_one_type((st.none() | words, label)))
)
def test_the_same_rows_are_the_same_in_every_format(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    """Texts, names of classes and lists of them, with what is missing."""
    first, *others = map(read_as_a_task, in_all_formats(tmp_path, rows))
    for other in others:
        assert other == first
