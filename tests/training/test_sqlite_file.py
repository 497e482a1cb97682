"""SQLite files are looked at, and nothing is made or changed by it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from slimtune.training.sqlite_file import has_head, opened_to_read, tables_of


def test_tables_of_a_file_whatever_its_folder_is_called(tmp_path: Path) -> None:
    path = tmp_path / "50%20 what?" / "a.db"
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE studies (name TEXT)")
    assert has_head(path)
    assert tables_of(path) == {"studies"}
    with closing(opened_to_read(path)) as database, pytest.raises(sqlite3.OperationalError, match="readonly"):
        database.execute("DROP TABLE studies")


def test_what_is_no_database_is_none_and_what_is_not_there_is_not_made(tmp_path: Path) -> None:
    text, absent = tmp_path / "a.txt", tmp_path / "b.db"
    text.write_text("SQLite")
    assert not has_head(text)
    with pytest.raises(sqlite3.OperationalError):
        tables_of(absent)
    assert not absent.exists()
