import json
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from training.errors import DataError
from training.reader import read_rows

ROWS = [{"text": 'Größe, "quoted"\nline', "label": "a"}, {"text": "two", "label": "b"}]


def test_every_format_gives_the_same_rows(tmp_path: Path) -> None:
    """JSON array, JSONL, CSV, TSV and Parquet are read alike, with quotes, line breaks and umlauts."""
    (tmp_path / "r.json").write_text(json.dumps(ROWS))
    (tmp_path / "r.jsonl").write_text("\n".join(json.dumps(row) for row in ROWS) + "\n\n")
    (tmp_path / "r.csv").write_text('\ufefftext,label\n"Größe, ""quoted""\nline",a\ntwo,b\n', encoding="utf-8")
    (tmp_path / "r.tsv").write_text('text\tlabel\n"Größe, ""quoted""\nline"\ta\ntwo\tb\n', encoding="utf-8")
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), tmp_path / "r.parquet")
    for ending in ("json", "jsonl", "csv", "tsv", "parquet"):
        assert read_rows(str(tmp_path / f"r.{ending}")) == ROWS, ending


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("r.jsonl", b'{"a": 1}\n{"a": \n', "line 2: not JSON"),
        ("r.jsonl", b"[1]\n", "line 1: '[1]' is not an object"),
        ("r.json", b'{"a": 1}', "not a JSON array of objects"),
        ("r.json", b"[{", "line 1: not JSON"),
        ("r.csv", b"a,b\n1\n", "line 2: not as many fields"),
        ("r.parquet", b"nonsense", "not a Parquet file"),
        ("r.jsonl", b'{"a": "\xff"}', "is not UTF-8"),
        ("r.jsonl", b"\n", "no rows"),
        ("r.xlsx", b"x", "'.xlsx' are not read; use .csv"),
    ],
)
def test_a_broken_file_is_named_with_its_line(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message.replace("[", r"\[")):
        read_rows(str(tmp_path / name))


def test_a_missing_file_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_rows(str(tmp_path / "absent.jsonl"))
    with pytest.raises(DataError, match="no installed package 'training'"):
        read_rows("package:training/corpora/absent.jsonl")
