"""What `search.storage` may say, and what is said of all else."""

from pathlib import Path

import pytest

from slimtune.sweeper import storage_url
from slimtune.sweeper.storage_url import (
    absolute,
    checked,
    grpc_place,
    resolved,
    storage_problems,
    with_driver,
)
from slimtune.training import extras
from slimtune.training.errors import StoreError

SECRET = "s3cret/p@ss[word"


def problem(storage: str) -> str:
    return " ".join(storage_problems(storage, "search.storage"))


@pytest.mark.parametrize("storage", [None, "sqlite:///study.db", "journal:///study.log", "oracle://me@host/d"])
def test_what_needs_nothing_is_taken(storage: str | None) -> None:
    assert storage_problems(storage, "search.storage") == []


@pytest.mark.parametrize(
    "storage",
    [
        "postgresql://me:{}@host/d",
        "postgresql+psycopg://:{}@host/d",
        "mysql://host/d?password={}",
        "mysql://host/d?passwd={}",
        "postgresql://host/d?sslpassword={}",
    ],
)
@pytest.mark.parametrize("secret", [SECRET, "plain", "a:b", "%40"])
def test_a_password_in_a_url_is_refused_and_not_repeated(storage: str, secret: str) -> None:
    """Whatever signs it has."""
    said = problem(storage.format(secret))
    assert said.startswith("search.storage has a password in it")
    assert "search.storage=env:OPTUNA_STORAGE" in said
    assert secret not in said
    with pytest.raises(StoreError, match="--storage has a password"):
        checked(storage.format(secret))


def test_a_path_may_look_like_one() -> None:
    assert problem("sqlite:////home/me:here@there/study.db") == ""
    assert problem("postgresql://host/d?passfile=/home/me/.pgpass&user=me") == problem("postgresql://host/d")


def test_a_variable_is_looked_up_where_the_study_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_STUDIES", f"sqlite:///x.db?password={SECRET}")
    assert problem("env:MY_STUDIES") == ""
    assert resolved("env:MY_STUDIES").endswith(SECRET)
    monkeypatch.delenv("MY_STUDIES")
    assert "search.storage is 'env:MY_STUDIES', and the environment has no MY_STUDIES" in problem("env:MY_STUDIES")
    with pytest.raises(StoreError, match="the environment has no MY_STUDIES"):
        resolved("env:MY_STUDIES")
    assert "the name of a variable" in problem("env:$MY_STUDIES")


@pytest.mark.parametrize(
    ("storage", "package", "extra"),
    [
        ("postgresql://h/d", "psycopg", "postgresql"),
        ("mysql://h/d", "pymysql", "mysql"),
        ("grpc://h:1", "grpcio", "grpc"),
    ],
)
def test_a_missing_driver_is_told_with_the_command(
    storage: str, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (storage_url, extras):
        monkeypatch.setattr(module, "is_installed", lambda _: False)
    assert f"needs {package}, which is not installed; pip install 'slimtune[{extra}]'" in problem(storage)


def test_the_driver_that_is_installed_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLAlchemy's own choice changes with its version."""
    monkeypatch.setattr(storage_url, "is_installed", lambda package: package in ("psycopg2", "MySQLdb"))
    assert with_driver("postgresql://h/d") == "postgresql+psycopg2://h/d"
    assert with_driver("mysql://h/d") == "mysql+mysqldb://h/d"
    assert with_driver("postgresql+psycopg://h/d") == "postgresql+psycopg://h/d"
    assert "psycopg, which is not installed; pip install psycopg" in problem("postgresql+psycopg://h/d")


@pytest.mark.parametrize(
    ("storage", "said"),
    [
        ("redis://host", "names redis, which is not read"),
        ("journal:/study.log", "after journal: stand three slashes"),
        ("journal://study.log", "after journal: stand three slashes"),
    ],
)
def test_other_forms_are_refused(storage: str, said: str) -> None:
    assert said in problem(storage)


def test_paths_are_those_of_the_folder_in_which_the_command_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute("journal:///study.log") == f"journal:///{tmp_path}/study.log"
    assert absolute("sqlite:///study.db") == f"sqlite:///{tmp_path}/study.db"
    for storage in ("sqlite:////x/study.db", "journal:////x/study.log", "sqlite:///:memory:", "env:X", "sqlite://"):
        assert absolute(storage) == storage


def test_a_proxy_has_a_host() -> None:
    assert grpc_place("grpc://here") == ("here", 13000)
    assert grpc_place("grpc://127.0.0.1:5") == ("127.0.0.1", 5)
    with pytest.raises(ValueError, match="host"):
        grpc_place("grpc://")
