"""Databases that several processes open at once."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from optuna.storages import BaseStorage, InMemoryStorage
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import Pool

from slimtune.sweeper.study.storages import relational
from tests.services import service

WORDS = "(sqlite3.OperationalError) table trial_values already exists"


class Opening:
    """Fails so often, then opens."""

    def __init__(self, failures: int, words: str) -> None:
        self.left, self.words = failures, words

    def __call__(self, _: str) -> BaseStorage:
        self.left -= 1
        if self.left >= 0:
            raise OperationalError("create table", None, Exception(self.words))
        return InMemoryStorage()


@pytest.fixture(autouse=True)
def no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)


@pytest.mark.parametrize("words", [WORDS, "UNIQUE constraint failed: version_info.version_info_id"])
def test_tables_that_another_process_makes_are_no_fault(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: str
) -> None:
    """A sweep begins, and `slimtune status` looks at its new file in the same moment."""
    monkeypatch.setattr(relational, "_cached", Opening(2, words))
    assert isinstance(relational.open_relational(f"sqlite:///{tmp_path}/study.db"), InMemoryStorage)


def test_a_file_that_cannot_be_used_is_told_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    opening = Opening(9, "unable to open database file")
    monkeypatch.setattr(relational, "_cached", opening)
    with pytest.raises(OperationalError, match="unable to open"):
        relational.open_relational(f"sqlite:///{tmp_path}/study.db")
    assert opening.left == 8


def test_a_storage_that_is_refused_leaves_no_connection(tmp_path: Path) -> None:
    """Its engine is nobody's then; a server has few connections to give, and from 3.13 on Python warns of a file's."""
    file = tmp_path / "study.db"
    relational.open_relational(f"sqlite:///{file}")
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = 'v9.9'")
    left: list[object] = []

    def opened(connection: object, _: object) -> None:
        left.append(connection)

    def closed(connection: object, _: object) -> None:
        if connection in left:
            left.remove(connection)

    event.listen(Pool, "connect", opened)
    event.listen(Pool, "close", closed)
    try:
        with pytest.raises(RuntimeError, match="no longer compatible"):
            relational.open_relational(f"sqlite:///{file}")
    finally:
        event.remove(Pool, "connect", opened)
        event.remove(Pool, "close", closed)
    assert left == []


def keep_in_a_file(kind: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Move the password from the environment into the file that programs of the database read."""
    variable, file, text = {
        "postgresql": ("PGPASSWORD", ".pgpass", "*:*:*:*:{}\n"),
        "mysql": ("MYSQL_PWD", ".my.cnf", "[client]\npassword = {}\n"),
    }[kind]
    (home / file).write_text(text.format(os.environ[variable]), encoding="utf-8")
    (home / file).chmod(0o600)
    monkeypatch.delenv(variable)
    monkeypatch.setenv("HOME", str(home))
    # libpq asks the system for the home folder
    monkeypatch.setenv("PGPASSFILE", str(home / ".pgpass"))


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_a_password_may_stand_in_the_file_of_the_databases_own_programs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    """Whatever else the URL says, e.g. a port."""
    url = service(kind)
    keep_in_a_file(kind, tmp_path, monkeypatch)
    assert isinstance(relational.open_relational(url).get_all_studies(), list)
