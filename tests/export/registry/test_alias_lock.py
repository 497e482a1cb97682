"""One process at a time, on a file or on a server, whose place an SQLite store takes here."""

import multiprocessing
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from slimtune.export.registry import alias_lock as locks
from slimtune.export.registry.alias_lock import LOCK, alias_lock
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


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    client_of(uri)
    monkeypatch.setattr(locks, "sqlite_path", lambda _: None)
    return uri


def names(uri: str) -> list[str]:
    return [one.name for one in client_of(uri).search_registered_models()]


def leave_behind(uri: str) -> str:
    """The lock of `a`, of a process that died."""
    with alias_lock(uri, "a"):
        (left,) = names(uri)
    assert left.startswith(LOCK)
    client_of(uri).create_registered_model(left)
    return left


def test_the_lock_of_a_process_that_died_is_taken_over(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once it has been seen for long enough, whatever the clock of the server says of its age."""
    left = leave_behind(server)
    monkeypatch.setattr(locks, "WAIT_SECONDS", 0.1)
    with pytest.raises(StoreError, match="another process moves an alias"), alias_lock(server, "a"):
        raise AssertionError("it is respected")
    monkeypatch.setattr(locks, "WAIT_SECONDS", 10.0)
    monkeypatch.setattr(locks, "STALE_SECONDS", 0.3)
    with alias_lock(server, "a"):
        assert len(names(server)) == 1
        assert names(server) != [left]
    assert names(server) == []


def test_who_was_slow_moves_nothing_and_leaves_the_lock_of_the_one_who_took_over(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "STALE_SECONDS", 0.3)
    slow, fast = alias_lock(server, "a"), alias_lock(server, "a")
    held = slow.__enter__()
    fast.__enter__()
    with pytest.raises(StoreError, match="too slow to move an alias of 'a' safely; nothing was moved"):
        held.check()
    (now,) = names(server)
    slow.__exit__(None, None, None)
    assert names(server) == [now]
    fast.__exit__(None, None, None)
    assert names(server) == []


def test_a_name_whose_answer_was_lost_is_taken_down(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def unheard(uri: str, name: str) -> None:
        client_of(uri).create_registered_model(name)
        raise StoreError("no answer")

    monkeypatch.setattr(locks, "put_name", unheard)
    with pytest.raises(StoreError, match="no answer"), alias_lock(server, "a"):
        raise AssertionError("it is not held")
    assert names(server) == []


def take(uri: str, counter: Path, times: int) -> None:
    """Count in a file, which two at once would do wrong; a process of its own."""
    locks.sqlite_path = lambda _: None
    locks.STALE_SECONDS = 3.0
    while times:
        with alias_lock(uri, "a") as lock:
            try:
                lock.check()
            except StoreError:
                # a busy machine: whoever promotes would be told, and try again
                continue
            count = int(counter.read_text())
            time.sleep(0.02)
            counter.write_text(str(count + 1))
            times -= 1


@pytest.mark.slow
def test_processes_that_find_a_lock_left_behind_all_at_once_do_not_both_win(server: str, tmp_path: Path) -> None:
    leave_behind(server)
    counter = tmp_path / "counter"
    counter.write_text("0")
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=take, args=(server, counter, 4)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * 3
    assert counter.read_text() == "12"
    assert names(server) == []
