import gzip
import json
import logging
import random
import re
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from slimtune.training.data.readers.reader import (
    ReadOptions,
    Told,
    check_sources,
    count_rows,
    iter_rows,
    located_rows,
    read_rows,
)
from slimtune.training.errors import DataError

ROWS = [{"text": 'Größe, "quoted"\nline', "label": "a"}, {"text": "two", "label": "b"}]


def write_formats(folder: Path) -> list[Path]:
    """The same rows in every format, plain and gzipped."""
    (folder / "r.json").write_text(json.dumps(ROWS))
    (folder / "r.jsonl").write_text("\n".join(json.dumps(row) for row in ROWS) + "\n\n")
    (folder / "r.csv").write_text('\ufefftext,label\n"Größe, ""quoted""\nline",a\ntwo,b\n', encoding="utf-8")
    (folder / "r.tsv").write_text('text\tlabel\n"Größe, ""quoted""\nline"\ta\ntwo\tb\n', encoding="utf-8")
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), folder / "r.parquet")
    plain = sorted(folder.iterdir())
    for path in plain:
        (folder / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    return sorted(folder.iterdir())


def test_every_format_gives_the_same_rows(tmp_path: Path) -> None:
    """JSON array, JSONL, CSV, TSV and Parquet are read alike, gzipped or not, with quotes, line breaks and umlauts."""
    paths = write_formats(tmp_path)
    assert len(paths) == 10
    for path in paths:
        assert read_rows(str(path)) == ROWS, path.name
        assert count_rows(str(path)) == 2, path.name


@pytest.mark.parametrize("name", ["r.csv", "r.tsv", "r.json", "r.jsonl.gz", "r.txt", "r.md"])
def test_a_table_by_a_name_of_text_is_a_table(tmp_path: Path, name: str) -> None:
    table = tmp_path / "table"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), table)
    content = table.read_bytes()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    told = Told()
    assert list(iter_rows(str(tmp_path / name), ReadOptions(told=told))) == ROWS
    assert any("read as Parquet or Arrow" in note for note in told.notes())


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"PK\x03\x04\xea", "is a zip archive, as workbooks of Excel are; unpack it"),
        (b"%PDF-1.7\n", "is a PDF"),
        (b"SQLite format 3\0", "is a database of SQLite"),
        (b"\xd0\xcf\x11\xe0", "is a workbook or a document of Office"),
    ],
)
@pytest.mark.parametrize("name", ["r.csv", "r.jsonl", "r.txt"])
def test_what_is_no_text_is_called_by_its_name(tmp_path: Path, head: bytes, said: str, name: str) -> None:
    (tmp_path / name).write_bytes(head + bytes(40))
    with pytest.raises(DataError, match=f"{name} {said}"):
        read_rows(str(tmp_path / name))


@pytest.mark.parametrize("name", ["d.txt", "d.md", "d.TXT", "d.txt.gz"])
def test_a_text_file_is_one_document(tmp_path: Path, name: str) -> None:
    """A .txt or .md file is one row with its whole text, blank lines and all, and its path."""
    content = "\ufeffErste Zeile: Größe\r\n\r\n  zweite\n".encode()
    path = tmp_path / name
    path.write_bytes(gzip.compress(content, mtime=0) if name.endswith(".gz") else content)
    assert read_rows(str(path)) == [{"text": "Erste Zeile: Größe\n\n  zweite\n", "file": str(path)}]


PARQUET_GZ = gzip.compress(b"nonsense", mtime=0)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("r.jsonl", b'{"a": 1}\n{"a": \n', "line 2: not JSON"),
        ("r.jsonl", b"[1]\n", "row 1 is 1, which is not an object"),
        ("r.jsonl", b'{"a": 1}\n[1]\n', "line 2: '[1]' is not an object"),
        ("r.jsonl", b'{"a": 1}\n{"a": ' + b"9" * 5000 + b"}\n", "line 2: JSON that cannot be read"),
        ("r.json", b'{"data": [{"a": 1}]}', "the rows seem to be the list in 'data'"),
        ("r.json", b"[{", "line 1: not JSON"),
        ("r.json", b"[\n{},\n{]", "line 3: not JSON"),
        ("r.json", b"[" * 100_000, "line 1: JSON that cannot be read"),
        ("r.csv", b"a,b\n1\n", "line 2: not as many fields"),
        ("r.csv", b'a,b\n1,"2"3\n', "line 2: not CSV"),
        ("r.parquet", b"nonsense", "not a Parquet file"),
        ("r.parquet.gz", PARQUET_GZ, "not a Parquet file"),
        ("r.jsonl", b"\n", "no rows"),
        ("r.xlsx", b"x", "'.xlsx' are not read; use .arrow, .csv"),
        ("r.pkl", b"cos\nsystem\n(S'exit 1'\ntR.", "'.pkl' are not read"),
        ("r.pkl.gz", b"", "are not read"),
        ("r.jsonl.gz", b'{"a": 1}\n', "broken gzip"),
        ("r.jsonl.gz", gzip.compress(b'{"a": 1}\n' * 99, mtime=0)[:-12], "broken gzip"),
        ("r.csv.gz", gzip.compress(b"a,b\n", mtime=0)[:10] + b"\xff" * 20, "broken gzip"),
        ("r.parquet.gz", PARQUET_GZ[:-9], "broken gzip"),
    ],
)
def test_a_broken_file_is_named_with_its_line(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=re.escape(str(tmp_path / name)) + ".*" + re.escape(message)):
        read_rows(str(tmp_path / name))


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("r.jsonl", b'{"a": "%s"}\n'),
        ("r.csv", b"a,b%s\n"),
        ("r.tsv", b"a\tb%s\n"),
        ("r.json", b"%s\n"),
        ("r.md", b"%s\n"),
    ],
)
def test_bytes_that_are_not_utf8_are_named_with_their_line(
    tmp_path: Path, name: str, line: bytes, packed: bool
) -> None:
    """Far behind the decoder's first block too, and umlauts before it do not shift the column."""
    bad = line % "ö".encode() * 2999 + line % ("ö".encode() + b"\xff") + line % b"x"
    path = tmp_path / (name + ".gz" if packed else name)
    path.write_bytes(gzip.compress(bad, mtime=0) if packed else bad)
    column = line.index(b"%s") + 2
    expected = f"line 3000: byte 0xff at column {column} is not UTF-8; save the file as UTF-8"
    with pytest.raises(DataError, match=re.escape(str(path)) + f", {expected}$"):
        read_rows(str(path))
    # a config may name another encoding
    with pytest.raises(DataError, match=f"{expected}, or name its encoding, e.g. data.encoding=cp1252$"):
        list(iter_rows(str(path), ReadOptions(Told())))


def test_a_missing_file_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_rows(str(tmp_path / "absent.jsonl"))
    with pytest.raises(DataError, match="no installed package 'slimtune'"):
        read_rows("package:slimtune/training/data/corpora/absent.jsonl")


def test_a_folder_gives_all_its_files_by_path(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Subfolders are entered, hidden files left out, READMEs too, unknown endings counted in the log."""
    for name, number in {
        "b.jsonl": 3,
        "a/z.csv": 2,
        "a/b/y.jsonl.gz": 1,
        ".hidden.jsonl": 9,
        ".git/x.jsonl": 9,
    }.items():
        content = f"n\n{number}\n" if ".csv" in name else f'{{"n": "{number}"}}\n'
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(
            gzip.compress(content.encode(), mtime=0) if name.endswith(".gz") else content.encode()
        )
    for name in ("picture.png", "a/weights.pkl", "README.md", "a/License"):
        (tmp_path / name).write_bytes(b"\x80")
    with caplog.at_level(logging.INFO, logger="slimtune.training"):
        assert read_rows(str(tmp_path)) == [{"n": "1"}, {"n": "2"}, {"n": "3"}]
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path}: 2 of 5 files are skipped for their ending"
    ]


def test_a_folder_or_pattern_without_rows_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_bytes(b"x")
    for name in (tmp_path, tmp_path / "*.jsonl", tmp_path / "*.png"):
        with pytest.raises(DataError, match=re.escape(f"{name}: no file there ends in .arrow, .csv, ")):
            read_rows(str(name))


def test_a_pattern_gives_the_files_that_match(tmp_path: Path) -> None:
    """In the order of their paths; `**` enters folders; a file whose own name looks like a pattern is just itself."""
    for name in ("b.jsonl", "a.jsonl", "other.jsonl", "[ab].jsonl", "deep/er/a.jsonl"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(json.dumps({"from": name}))
    found = {
        pattern: [row["from"] for row in iter_rows(str(tmp_path / pattern))]
        for pattern in ("?.jsonl", "**/a.jsonl", "[ab].jsonl")
    }
    assert found == {
        "?.jsonl": ["a.jsonl", "b.jsonl"],
        "**/a.jsonl": ["a.jsonl", "deep/er/a.jsonl"],
        "[ab].jsonl": ["[ab].jsonl"],
    }


def test_several_names_follow_one_another(tmp_path: Path) -> None:
    """In the order given, each a file, a folder or a pattern; one may come twice."""
    paths = write_formats(tmp_path)
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "m.jsonl").write_text('{"text": "three", "label": "c"}')
    names = [str(tmp_path / "more"), str(paths[0]), str(tmp_path / "m*" / "*.jsonl")]
    assert [row["label"] for row in read_rows(names)] == ["c", "a", "b", "c"]
    assert count_rows(tuple(names)) == 4


def test_a_row_is_called_by_its_own_file(tmp_path: Path) -> None:
    """And by its number there, however many files a name stands for."""
    for name in ("a.jsonl", "in/b.jsonl", "in/c.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text('{"a": 1}\n{"a": 2}\n')
    a, b, c = (str(tmp_path / name) for name in ("a.jsonl", "in/b.jsonl", "in/c.jsonl"))
    for name, files in ((a, [a]), ([a, b], [a, b]), (str(tmp_path / "in"), [b, c]), (str(tmp_path / "in/*"), [b, c])):
        found = [where for _, where in located_rows(name)]
        assert found == [f"{file}, row {number}" for file in files for number in (1, 2)]
    assert next(located_rows("python:sources")).where == "python:sources, row 1"


@pytest.mark.parametrize(
    ("name", "text", "called"),
    [
        ("r.csv", 'text,label\n"a\nb",x\n\nc,y\n', ["row 1 (line 2)", "row 2 (line 5)"]),
        ("r.tsv", "text\tlabel\na\tx\nb\ty\n", ["row 1 (line 2)", "row 2 (line 3)"]),
        ("r.jsonl", '{"a": 1}\n{"a": 2}\n', ["row 1", "row 2"]),
        ("r.jsonl", '{"a": 1}\n\n{"a": 2}\n', ["row 1", "row 2 (line 3)"]),
        ("r.json", '[{"a": 1},\n {"a": 2}]', ["row 1", "row 2"]),
    ],
)
def test_a_row_of_a_file_of_lines_is_called_by_its_line_too(
    tmp_path: Path, name: str, text: str, called: list[str]
) -> None:
    """Where an editor shows another number; it is the line that the row begins in."""
    (tmp_path / name).write_text(text)
    assert [where for _, where in located_rows(str(tmp_path / name))] == [f"{tmp_path / name}, {one}" for one in called]


def test_all_files_are_looked_up_before_the_first_row(rows_file: Path) -> None:
    """A misspelt second file costs no reading of the first."""
    with pytest.raises(DataError, match=r"absent\.jsonl: no such file"):
        next(iter_rows([str(rows_file), "absent.jsonl"]))


@pytest.mark.parametrize("name", ["", [], ["a.jsonl", ""]])
def test_an_empty_name_is_not_the_folder_we_stand_in(name: str | list[str]) -> None:
    with pytest.raises(DataError, match="name at least one"):
        read_rows(name)


def test_nothing_to_count_is_zero(tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").write_text("\n")
    assert count_rows(str(tmp_path / "r.jsonl")) == 0


@pytest.mark.parametrize("name", ["r.jsonl", "r.jsonl.gz", "r.csv", "r.tsv.gz", "r.parquet", "r.parquet.gz"])
def test_rows_are_streamed(tmp_path: Path, name: str) -> None:
    """Counting 5 MB of rows holds a part of them at any time."""
    texts = [random.Random(number).randbytes(500).hex() for number in range(5000)]
    kind, path = name.split(".")[1], tmp_path / name
    if kind == "parquet":
        pyarrow.parquet.write_table(pyarrow.table({"text": texts}), tmp_path / "r.parquet")
        content = (tmp_path / "r.parquet").read_bytes()
    else:
        lines = ["text", *texts] if kind in ("csv", "tsv") else [json.dumps({"text": text}) for text in texts]
        content = "\n".join(lines).encode()
    path.write_bytes(gzip.compress(content, 1, mtime=0) if name.endswith(".gz") else content)
    next(iter_rows(str(path)))  # what is imported on the first call
    tracemalloc.start()
    try:
        assert count_rows(str(path)) == 5000
        assert tracemalloc.get_traced_memory()[1] < 2_500_000
    finally:
        tracemalloc.stop()


def test_the_rows_before_a_broken_one_are_given(tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").write_text('{"a": 1}\n{"a": 2}\n{\n')
    rows = iter_rows(str(tmp_path / "r.jsonl"))
    assert [next(rows), next(rows)] == [{"a": 1}, {"a": 2}]
    with pytest.raises(DataError, match="line 3"):
        next(rows)


def test_importing_the_reader_is_instant() -> None:
    """Nothing heavy comes with it; `datasets` and `pyarrow` only when a source needs them."""
    heavy = ["torch", "transformers", "datasets", "sklearn", "pandas", "pyarrow", "huggingface_hub"]
    code = (
        f"import sys, slimtune.training.data.readers.reader; print([name for name in {heavy} if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["/dev/zero", "/dev/null"])
def test_a_device_has_no_rows(name: str) -> None:
    """One of them would be read without an end."""
    for look in (check_sources, read_rows):
        with pytest.raises(DataError, match=f"{name} is a device, which has no rows"):
            look(name)
