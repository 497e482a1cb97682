"""One process at a time, on a file or on a server, whose place an SQLite store takes here."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from slimtune.export.registry import alias_lock as locks
from slimtune.export.registry.alias_lock import LOCK, alias_lock
from slimtune.export.registry.mlflow_registry import release
from slimtune.training.errors import StoreError
from slimtune.training.tracking.mlflow_runs import client_of


@pytest.fixture(params=["file", "server"])
def uri(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    client_of(uri)
    if request.param == "server":
        monkeypatch.setattr(locks, "sqlite_path", lambda _: None)
    yield uri
    assert not client_of(uri).search_registered_models(), "a lock is not left behind"


def test_a_second_one_waits_for_the_first(uri: str) -> None:
    seen = []

    def other() -> None:
        with alias_lock(uri, "it's"):
            seen.append("other")

    with alias_lock(uri, "it's"):
        thread = threading.Thread(target=other)
        thread.start()
        time.sleep(0.5)
        seen.append("first")
    thread.join()
    assert seen == ["first", "other"]


def test_who_waits_too_long_is_told(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "WAIT_SECONDS", 0.1)
    told = pytest.raises(StoreError, match="another process moves an alias of 'a'")
    with alias_lock(uri, "a"), alias_lock(uri, "b"), told, alias_lock(uri, "a"):
        raise AssertionError("it is held")


def test_the_lock_of_a_process_that_died_is_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.setattr(locks, "sqlite_path", lambda _: None)
    with alias_lock(uri, "a"):
        (left,) = client_of(uri).search_registered_models()
    client_of(uri).create_registered_model(left.name)
    assert left.name.startswith(LOCK)
    monkeypatch.setattr(locks, "STALE_SECONDS", 0.0)
    with alias_lock(uri, "a"):
        assert len(client_of(uri).search_registered_models()) == 1


def test_who_was_slow_does_not_release_the_lock_of_the_one_who_took_it_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that no third one gets in beside that one."""
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.setattr(locks, "sqlite_path", lambda _: None)
    monkeypatch.setattr(locks, "STALE_SECONDS", 0.0)
    slow, fast = alias_lock(uri, "a"), alias_lock(uri, "a")
    slow.__enter__()
    time.sleep(0.01)
    fast.__enter__()
    slow.__exit__(None, None, None)
    (held,) = client_of(uri).search_registered_models()
    release(uri, held.name, "somebody else")
    assert [one.name for one in client_of(uri).search_registered_models()] == [held.name]
    fast.__exit__(None, None, None)
    assert not client_of(uri).search_registered_models()
