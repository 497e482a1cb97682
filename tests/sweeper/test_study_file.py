"""A file that something else lies in is no place for a study: it is told before the search, and stays as it is."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from slimtune.sweeper.campaigns.named_sweep import named_sweep
from slimtune.sweeper.storage_url import checked, storage_problems
from slimtune.sweeper.study.loaded import sweep_names
from slimtune.sweeper.study.storages.opening import open_storage
from slimtune.sweeper.study_file import foreign_reason, no_study_reason
from slimtune.training.errors import StoreError
from tests.cases.sweep_requests import RequestOf, refused, request_of  # noqa: F401
from tests.sweeper.campaigns.test_find_sweep import begun

ROWS = '{"text": "a", "label": "b"}\n'
FOREIGN = [ROWS, "[1]\n", "3\n", "text", "\0\1", "\n"]


@pytest.mark.parametrize("scheme", ["journal", "sqlite"])
@pytest.mark.parametrize("text", FOREIGN)
def test_another_file_is_refused_and_stays(tmp_path: Path, scheme: str, text: str) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(text)
    url = f"{scheme}:///{file}"
    (said,) = storage_problems(url, "search.storage")
    assert said.startswith(f"search.storage is {url!r}, but {file} is no ")
    with pytest.raises(StoreError, match=r"--storage is .*; name a file that is not there yet, or one that"):
        checked(url)
    with pytest.raises(ValueError, match=r"rows\.jsonl is no"):
        open_storage(url)
    assert file.read_text() == text
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mlflow.db"
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE experiments (name TEXT)")
    assert "a database of something else (it has experiments)" in (foreign_reason(file, is_journal=False) or "")


@pytest.mark.parametrize("text", ["", '{"op_code":4,"worker_id":"a"}\n{"op', '{"op_code":0'])
def test_a_journal_new_or_torn_passes(tmp_path: Path, text: str) -> None:
    (tmp_path / "study.log").write_text(text)
    assert foreign_reason(tmp_path / "study.log", is_journal=True) is None


def test_a_line_of_something_else_in_a_journal_is_told(tmp_path: Path) -> None:
    file = tmp_path / "study.log"
    file.write_text('{"op_code":0,"worker_id":"a","study_name":"s","directions":[1]}\n' + ROWS)
    with pytest.raises(StoreError, match="has a line that is none of a journal"):
        sweep_names(f"journal:///{file}")


def test_the_study_of_a_sweep_is_no_foreign_file(tmp_path: Path) -> None:
    file = Path(begun(tmp_path).spec.storage.removeprefix("sqlite:///"))
    assert foreign_reason(file, is_journal=False) is None
    assert no_study_reason(file) is None


@pytest.mark.parametrize("content", [b"", b"\1\2", b"SQLite format 3\0" + b"\1" * 200])
def test_a_broken_study_is_told_by_its_file(
    tmp_path: Path,
    content: bytes,
    request_of: RequestOf,  # noqa: F811
) -> None:
    """By the commands that read it, and by a sweep that would begin with it."""
    (tmp_path / "other").mkdir()
    file = tmp_path / "other" / "study.db"
    file.write_bytes(content)
    with pytest.raises(StoreError, match=r"the study of the sweep in .*study\.db is .*; bring the file back"):
        named_sweep("other", outputs=tmp_path, storage=None)
    said = refused(request_of, f"search.warm_start={file.parent}")
    assert f"search.warm_start is '{file.parent}', but {file} is " in said
    assert "or name another sweep" in said
    assert file.read_bytes() == content
