"""Ctrl-C while the garbage collector is at work."""

import signal
import time
import weakref
from collections.abc import Callable, Iterator

import pytest

from slimtune.sweeper.dropped_interrupts import dropped_interrupts_given_again


@pytest.fixture(autouse=True)
def terminal() -> Iterator[None]:
    """As in a terminal: what begins in the background ignores Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupted() -> None:
    """Ctrl-C while this function runs."""
    signal.raise_signal(signal.SIGINT)


class Finalized:
    def __del__(self) -> None:
        interrupted()


def in_a_finalizer() -> None:
    Finalized()


def in_a_callback() -> None:
    referred = type("Referred", (), {})()
    reference = weakref.ref(referred, lambda _: interrupted())
    del referred
    assert reference() is None


def wait() -> None:
    """Long enough for any machine; ended by what is given again."""
    time.sleep(60)


@pytest.mark.parametrize("drop", [in_a_finalizer, in_a_callback])
def test_ctrl_c_that_python_drops_is_heard_all_the_same(drop: Callable[[], None]) -> None:
    with dropped_interrupts_given_again(), pytest.raises(KeyboardInterrupt):
        drop_and_wait(drop)


def drop_and_wait(drop: Callable[[], None]) -> None:
    drop()
    wait()


def test_other_errors_of_finalizers_are_told_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[type[BaseException]] = []
    monkeypatch.setattr("sys.unraisablehook", lambda dropped: told.append(dropped.exc_type))

    class Faulty:
        def __del__(self) -> None:
            raise ValueError

    with dropped_interrupts_given_again():
        Faulty()
    assert told == [ValueError]
