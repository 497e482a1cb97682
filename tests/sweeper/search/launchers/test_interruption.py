"""Ctrl-C while workers are at work."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from slimtune.sweeper.search.launchers import interruption
from slimtune.sweeper.search.launchers.interruption import gently_interrupted, left_to_launcher
from slimtune.sweeper.search_config import TrialLimits
from slimtune.sweeper.study import Study
from slimtune.sweeper.study.liveness.roster import CTRL_C, Roster
from slimtune.sweeper.study.liveness.watch import WorkerWatch
from tests.sweeper.study.specs import make_spec


@pytest.fixture(autouse=True)
def terminal() -> Iterator[None]:
    """As in a terminal: what begins in the background ignores Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def rosters(tmp_path: Path) -> tuple[Roster, Roster]:
    """That of a launching process, and that of another one."""
    made = Study(make_spec(tmp_path)).roster, Study(make_spec(tmp_path)).roster
    for roster, launcher in zip(made, ("here-1", "here-2"), strict=True):
        roster.launcher = launcher
    return made


def test_a_first_ctrl_c_stops_the_workers_of_this_process_alone(
    rosters: tuple[Roster, Roster], capsys: pytest.CaptureFixture[str]
) -> None:
    own, others = rosters
    with gently_interrupted(own):
        signal.raise_signal(signal.SIGINT)
    request = own.stop_request()
    assert request is not None
    assert request.by == CTRL_C
    assert not request.now
    assert others.stop_request() is None
    assert interruption.SAID in capsys.readouterr().err


def test_a_trial_hears_of_it_between_two_steps(rosters: tuple[Roster, Roster]) -> None:
    for roster in rosters:
        with WorkerWatch(roster, None, TrialLimits(), lambda _: None) as watch:
            assert watch.pulse(3) is None
    rosters[0].ask_own_to_stop()
    with WorkerWatch(rosters[0], None, TrialLimits(), lambda _: None) as watch:
        assert watch.stopping
        ending = watch.pulse(3)
        assert ending is not None
        assert ending.message == "stopped by Ctrl-C"
    with WorkerWatch(rosters[1], None, TrialLimits(), lambda _: None) as watch:
        assert not watch.stopping


def test_a_second_ctrl_c_ends_at_once(rosters: tuple[Roster, Roster]) -> None:
    with gently_interrupted(rosters[0]):
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_what_ignores_ctrl_c_goes_on_to(rosters: tuple[Roster, Roster]) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with gently_interrupted(rosters[0]):
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    assert rosters[0].stop_request() is None


def test_a_worker_in_a_process_of_its_own_leaves_ctrl_c_to_the_one_that_launched_it() -> None:
    with left_to_launcher():
        signal.raise_signal(signal.SIGINT)
