"""What a worker is watched for."""

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import pytest

from slimtune.sweeper.search_config import TrialLimits
from slimtune.sweeper.study import lease
from slimtune.sweeper.study.liveness import heartbeat
from slimtune.sweeper.study.liveness import watch as watching
from slimtune.sweeper.study.liveness.roster import STOP
from slimtune.sweeper.study.liveness.watch import WorkerWatch
from slimtune.training.trial import Failed, FailureKind

LAUNCHER = "elsewhere-1-abc"


class Notes:
    launcher = LAUNCHER

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def attrs(self) -> Mapping[str, Any]:
        return self.values


class Ended(Exception):
    """In place of the process' end."""


class Exits:
    """Keeps the exit code that a thread wanted."""

    def __init__(self) -> None:
        self.codes: list[int] = []

    def __call__(self, code: int) -> None:
        self.codes.append(code)
        raise Ended


@pytest.fixture
def exits(monkeypatch: pytest.MonkeyPatch) -> Exits:
    made = Exits()
    monkeypatch.setattr(os, "_exit", made)
    return made


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(watching, "TICK_SECONDS", 0.01)
    monkeypatch.setattr(watching, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(watching, "PATIENCE_SECONDS", 0.02)
    before = signal.getsignal(watching.INTERRUPT)
    yield
    assert signal.getsignal(watching.INTERRUPT) is before


def watch_of(notes: Notes, limits: TrialLimits | None = None, launcher: str | None = None) -> WorkerWatch:
    return WorkerWatch(notes, launcher, limits or TrialLimits(), lambda _: None)


class Clock:
    """Of heartbeats, for a machine may be busy for longer than any limit here.

    What is interrupted where no test awaits it ends pytest, and all tests that were still to come.
    """

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(heartbeat, "time", made)
    return made


def interrupted(watch: WorkerWatch, monkeypatch: pytest.MonkeyPatch) -> Mapping[int, Failed]:
    """How trials end that hang and are interrupted."""
    # they are due from the first look on, which is not to come before the work
    monkeypatch.setattr(watching, "TICK_SECONDS", 0.2)
    for number in (3, 4):
        watch.heartbeat.began(number)
    with pytest.raises(KeyboardInterrupt), watch:
        hang()
    return watch.take_endings()


def hang() -> None:
    time.sleep(60)


def test_a_trial_hears_of_a_stop_between_two_steps() -> None:
    notes = Notes()
    with watch_of(notes) as watch:
        watch.heartbeat.began(3)
        assert (watch.pulse(3), watch.stopping) == (None, False)
        notes.values[STOP] = ["me@here", time.time(), False]
        while (ending := watch.pulse(3)) is None:
            time.sleep(0.01)
        assert (ending.kind, ending.message) == (FailureKind.stopped, "stopped by me@here")
        assert watch.stopping


def test_a_worker_that_comes_after_a_stop_begins_nothing() -> None:
    notes = Notes()
    notes.values[STOP] = ["me@here", time.time(), False]
    with watch_of(notes) as watch:
        assert watch.stopping


def test_stop_now_interrupts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also a trial that makes no steps."""
    notes = Notes()
    notes.values[STOP] = ["me@here", time.time(), True]
    endings = interrupted(watch_of(notes), monkeypatch)
    assert {number: ending.kind for number, ending in endings.items()} == dict.fromkeys((3, 4), FailureKind.stopped)


def test_a_trial_that_runs_too_long_ends_at_its_next_step(clock: Clock) -> None:
    with watch_of(Notes(), TrialLimits(trial_minutes=1)) as watch:
        watch.heartbeat.began(3)
        assert watch.pulse(3) is None
        # less than the watch's own patience beyond
        clock.seconds += 60.01
        ending = watch.pulse(3)
        assert ending is not None
        assert ending.kind is FailureKind.timeout
        assert "search.trial_timeout_minutes" in ending.message
        watch.heartbeat.ended(3)


def test_one_that_makes_no_step_is_interrupted_then_and_the_others_with_it(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "TICK_SECONDS", 0.2)
    watch = watch_of(Notes(), TrialLimits(trial_minutes=1))
    watch.heartbeat.began(3)
    clock.seconds += 61
    watch.heartbeat.began(4)
    with pytest.raises(KeyboardInterrupt), watch:
        hang()
    # whoever writes the runs down hears the same as the study
    told = {number: watch.pulse(number) for number in (3, 4)}
    assert told == watch.take_endings()
    assert [one.kind for one in told.values() if one is not None] == [FailureKind.timeout, FailureKind.stopped]


def test_a_worker_that_makes_no_step_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    endings = interrupted(watch_of(Notes(), TrialLimits(step_minutes=0.05 / 60)), monkeypatch)
    assert {ending.kind for ending in endings.values()} == {FailureKind.hung}


def test_steps_keep_a_worker_going(clock: Clock) -> None:
    with watch_of(Notes(), TrialLimits(step_minutes=1)) as watch:
        watch.heartbeat.began(3)
        for _ in range(20):
            clock.seconds += 50
            time.sleep(0.01)
            assert watch.pulse(3) is None
        watch.heartbeat.ended(3)
        # without a trial there is nothing to wait for
        clock.seconds += 3600
        time.sleep(0.15)


def test_a_persons_interrupt_is_left_alone() -> None:
    with watch_of(Notes(), TrialLimits(step_minutes=1)) as watch:
        watch.heartbeat.began(3)
        assert watch.take_endings() == {}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_cannot_be_interrupted_takes_its_process_down(
    exits: Exits, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is known of its trials is noted before."""
    monkeypatch.setattr(watching, "GRACE_SECONDS", 0.05)
    monkeypatch.setattr(signal, "pthread_kill", lambda *_: None)
    noted: dict[int, Failed] = {}
    watch = WorkerWatch(Notes(), None, TrialLimits(step_minutes=0.02 / 60), noted.update)
    with watch:
        watch.heartbeat.began(3)
        watch._thread.join(5)
    assert exits.codes == [1]
    assert noted[3].kind is FailureKind.hung
    assert "trial 3: it made no step" in capsys.readouterr().err


def lease_of(*, host: str, renewed_at: float) -> dict[str, Any]:
    return {lease.LEASE_PREFIX + LAUNCHER: {"host": host, "pid": 1, "born": 0.0, "renewed_at": renewed_at}}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("renewed_at", [lease.HANDED_BACK, 1.0])
def test_a_worker_elsewhere_ends_when_its_launching_process_has(
    exits: Exits, renewed_at: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its parent, a daemon of a cluster, lives on; on another machine only time tells."""
    monkeypatch.setattr(watching, "EXPIRE_SECONDS", 0.05)
    notes = Notes()
    notes.values = lease_of(host="elsewhere", renewed_at=renewed_at)
    with suppress(Ended), watch_of(notes, launcher=LAUNCHER) as watch:
        watch._thread.join(5)
    assert exits.codes == [1]


def test_a_clock_that_is_behind_ends_no_worker(exits: Exits, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease that is renewed is one that lives, whatever time it says."""
    monkeypatch.setattr(watching, "EXPIRE_SECONDS", 0.2)
    notes = Notes()
    notes.values = lease_of(host="elsewhere", renewed_at=1.0)
    with watch_of(notes, launcher=LAUNCHER):
        for at in range(20):
            time.sleep(0.02)
            notes.values = lease_of(host="elsewhere", renewed_at=2.0 + at)
    assert exits.codes == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_worker_ends_when_its_parent_has_died(exits: Exits, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = watch_of(Notes(), launcher=LAUNCHER)
    monkeypatch.setattr(os, "getppid", lambda: 1)
    with watch:
        watch._thread.join(5)
    assert exits.codes == [1]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("numbers", [(), (3,), (3, 4)])
def test_why_a_worker_ends_is_said_once(
    numbers: tuple[int, ...], exits: Exits, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """However many trials it has."""
    watch = watch_of(Notes(), launcher=LAUNCHER)
    for number in numbers:
        watch.heartbeat.began(number)
    monkeypatch.setattr(os, "getppid", lambda: 1)
    with watch:
        watch._thread.join(5)
    said = capsys.readouterr().err
    assert exits.codes == [1]
    assert said.count("the launching process has ended") == 1
    assert {(): "slimtune: the", (3,): "trial 3: the", (3, 4): "trials 3, 4: the"}[numbers] in said
