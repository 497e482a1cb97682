"""MLflow's store is put into no file of somebody else, and a broken one is told."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from slimtune.training.errors import StoreError
from slimtune.training.tracking.mlflow_runs import client_of
from slimtune.training.tracking.store_file import no_store_reason
from slimtune.training.tracking.uri import sqlite_url


def database(path: Path, *tables: str) -> Path:
    with closing(sqlite3.connect(path)) as made:
        for table in tables:
            made.execute(f"CREATE TABLE {table} (name TEXT)")
    return path


def test_a_store_and_a_file_that_may_become_one_are_fine(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    for path in (tmp_path / "none.db", tmp_path / "empty.db", database(tmp_path / "m.db", "experiments", "runs")):
        assert no_store_reason(path) is None


def test_a_database_of_something_else_is_left_as_it_is(tmp_path: Path) -> None:
    """MLflow would write its tables into it."""
    path = database(tmp_path / "shop.db", "users", "orders")
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"shop\.db is a database of something else \(it has orders, users\); bring"):
        client_of(sqlite_url(path))
    assert path.read_bytes() == before


def test_what_is_broken_or_no_file_is_told(tmp_path: Path) -> None:
    path = database(tmp_path / "m.db", "experiments", "runs")
    cut = tmp_path / "cut.db"
    cut.write_bytes(path.read_bytes()[:4500])
    assert "is broken (" in str(no_store_reason(cut))
    (tmp_path / "text.db").write_text("no database" * 10)
    assert str(no_store_reason(tmp_path / "text.db")).endswith("is no SQLite database")
    assert str(no_store_reason(tmp_path)).endswith("is a folder")
