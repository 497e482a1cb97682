"""A job of submitit that must go before its end."""

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from slimtune.sweeper.search.launchers.preemption import EXECUTOR, end_when_preempted


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """A job whose own handler does what is given, within the test."""
    before = signal.getsignal(signal.SIGUSR2)
    monkeypatch.setenv(EXECUTOR, "slurm")

    def job(handler: Any) -> None:
        signal.signal(signal.SIGUSR2, handler)
        end_when_preempted()

    yield job
    signal.signal(signal.SIGUSR2, before)


def test_a_job_that_may_not_be_queued_again_ends_without_failing_its_trial(queue: Callable[..., None]) -> None:
    """The trial boundary catches every exception; an exit passes it."""

    def refuses(*_: object) -> None:
        raise RuntimeError("timed out too many times")

    queue(refuses)
    with pytest.raises(SystemExit):
        os.kill(os.getpid(), signal.SIGUSR2)


def test_a_job_that_is_queued_again_ends_as_submitit_ends_it(queue: Callable[..., None]) -> None:
    told = []
    queue(lambda *arguments: told.append(arguments[0]))
    os.kill(os.getpid(), signal.SIGUSR2)
    assert told == [signal.SIGUSR2]


def test_other_processes_keep_their_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(EXECUTOR, raising=False)
    before = signal.getsignal(signal.SIGUSR2)
    end_when_preempted()
    assert signal.getsignal(signal.SIGUSR2) is before
