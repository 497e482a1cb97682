"""Rows that are given to be answered are called by the file that they stand in."""

import gc
import os
import tempfile
import threading
from pathlib import Path

import pytest

from slimtune.export.runtime.given_rows import GivenFile
from slimtune.training.errors import DataError
from tests.conftest import write_jsonl


def piped(pipe: Path, text: str) -> GivenFile:
    """The rows of a pipe into which a text is written."""
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(text,))
    writer.start()
    rows = GivenFile(str(pipe))
    writer.join()
    return rows


def test_a_row_of_a_folder_is_called_by_its_file(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_jsonl(tmp_path / f"{name}.jsonl", [{"text": name}])
    rows = GivenFile(str(tmp_path))
    for _ in range(2):
        assert [where for _, where in rows] == [f"{tmp_path}/a.jsonl, row 1", f"{tmp_path}/b.jsonl, row 1"]


def test_a_row_of_a_pipe_is_called_by_the_pipe(tmp_path: Path) -> None:
    """Not by the file that keeps what it gave."""
    pipe = tmp_path / "pipe.jsonl"
    rows = piped(pipe, '{"text": "a"}\n')
    assert [where for _, where in rows] == [f"{pipe}, row 1"]


def test_what_was_kept_of_a_pipe_goes_with_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kept").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "kept"))
    pipe = tmp_path / "pipe.jsonl"
    rows = piped(pipe, '{"text": "a"}\n')
    assert len(list(rows)) == len(list(rows)) == len(list((tmp_path / "kept").iterdir())) == 1
    del rows
    gc.collect()
    assert list((tmp_path / "kept").iterdir()) == []


def test_what_is_wrong_with_a_pipes_rows_is_said_of_the_pipe(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Errors, and what is noticed in reading."""
    for text in ("hi\nthere\n", '\ufeff{"text": "a"}\n{"text": "b"'):
        pipe = tmp_path / f"pipe {len(text)}"
        rows = piped(pipe, text)
        with pytest.raises(DataError) as raised:
            list(rows)
        assert str(raised.value).startswith(f"{pipe}, line")
        assert tempfile.gettempdir() + "/tmp" not in f"{raised.value} {caplog.text}"
