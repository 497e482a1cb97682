"""What is said of a storage before anything is opened."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from slimtune.sweeper.study.loaded import load_all_trials, load_study_attrs, load_study_trials
from slimtune.sweeper.study.storages.loading import BROUGHT_BACK, LATER, check_url, unusable
from slimtune.training.errors import StoreError
from tests.sweeper.campaigns.test_find_sweep import begun


@pytest.mark.parametrize(
    "storage",
    [
        "sqlite:///study.db",
        "journal:///study.log",
        "grpc://h:13000",
        "postgresql://host/s",
        "mysql://host/s",
        "env:S",
    ],
)
def test_every_form_passes(storage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S", "journal:///study.log")
    check_url(storage)


def test_no_url_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be used"):
        check_url(str(tmp_path))


@pytest.mark.parametrize(
    ("path", "url"), [("own.db", "write sqlite:///own.db; or use"), ("a/b.log", "write journal:///a/b.log; or use")]
)
def test_a_file_without_a_scheme_is_told_with_its_url(path: str, url: str) -> None:
    with pytest.raises(StoreError, match=url):
        check_url(path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE study_user_attributes SET value_json = '{'", "a value in it is none that a study has"),
        ("UPDATE alembic_version SET version_num = 'v9.9'", "no longer compatible"),
        ("DELETE FROM studies", "it has no study 'mine'"),
    ],
)
def test_a_study_with_values_of_something_else_is_told(tmp_path: Path, change: str, said: str) -> None:
    """By whoever reads it, with the folder and the repair."""
    begun(tmp_path).set_attr("note", 1)
    file = tmp_path / "mine" / "study.db"
    with closing(sqlite3.connect(file)) as database:
        database.execute(change)
        database.commit()
    readers: list[Callable[[str, str], object]] = [load_study_trials, load_study_attrs]
    # which reads no attributes of the study itself
    readers += [] if "attributes" in change else [load_all_trials]
    for read in readers:
        with pytest.raises(StoreError) as refused:
            read(f"sqlite:///{file}", "mine")
        assert f"the study of the sweep in {file.parent} cannot be used: " in str(refused.value)
        assert said in str(refused.value)
        assert "bring the file back from a copy" in str(refused.value)


@pytest.mark.parametrize(("said", "repair"), [("database is locked", LATER), ("file is not a database", BROUGHT_BACK)])
def test_a_file_that_is_being_written_is_not_called_broken(tmp_path: Path, said: str, repair: str) -> None:
    file = tmp_path / "study.db"
    file.touch()
    told = unusable(f"sqlite:///{file}", sqlite3.OperationalError(said))
    assert told.endswith(repair)
    assert said in told
