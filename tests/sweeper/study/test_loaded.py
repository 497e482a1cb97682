"""A value in a study that no sweep has noted there is told of the study, whoever reads it."""

import socket
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import optuna
import psutil
import pytest

from slimtune.sweeper.reporting.sweep_status import sweep_status
from slimtune.sweeper.study import Lease, Study
from slimtune.sweeper.study.lease import last_seen
from slimtune.sweeper.study.loaded import load_study_trials
from slimtune.sweeper.study.record import ASKED, BEFORE, BUDGET, IDENTITY, PROGRESS, RESULT, WORKER
from slimtune.training.errors import StoreError
from tests.sweeper.study.specs import make_spec

LEASE = {"host": "here", "pid": 1, "born": 1.0, "renewed_at": 0.0, "launcher": None}
Make = Callable[..., str]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A study of one trial, with its launching process; some of its notes may be others."""

    def made(of_trial: dict[str, Any], of_study: dict[str, Any]) -> str:
        storage = f"sqlite:///{tmp_path / 'study.db'}"
        study = optuna.create_study(study_name="mine", storage=storage)
        notes = {RESULT: {"objective": 0.5}, PROGRESS: 1.0, **of_trial}
        study.add_trial(optuna.trial.create_trial(value=0.5, user_attrs=notes))
        for key, value in {BUDGET: 1, "lease:here-1": LEASE, **of_study}.items():
            study.set_user_attr(key, value)
        roster = optuna.create_study(study_name="mine/launchers", storage=storage)
        roster.add_trial(optuna.trial.create_trial(value=0.0, user_attrs={"launcher": "here-1"}))
        return storage

    return made


def test_notes_as_a_sweep_makes_them_are_read(make: Make) -> None:
    assert sweep_status(make({}, {}), "mine").counts == {"complete": 1}


@pytest.mark.parametrize(("lease", "standing"), [(LEASE, "interrupted"), (None, "interrupted"), ("own", "running")])
def test_a_trial_whose_worker_is_gone_stands_as_interrupted(lease: Any, standing: str, make: Make) -> None:
    """Until somebody resumes the sweep its state in the storage is that of a running one."""
    storage = make({}, {})
    study = optuna.load_study(study_name="mine", storage=storage)
    if lease == "own":
        process = psutil.Process()
        lease = {**LEASE, "host": socket.gethostname(), "pid": process.pid, "born": process.create_time()}
        lease["renewed_at"] = time.time()
    if lease is not None:
        study.set_user_attr("lease:w-1", lease)
    study.add_trial(optuna.trial.create_trial(state=optuna.trial.TrialState.RUNNING, user_attrs={WORKER: "w-1"}))
    assert [trial.standing for trial in load_study_trials(storage, "mine").trials] == ["complete", standing]
    assert sweep_status(storage, "mine").counts == {"complete": 1, standing: 1}


@pytest.mark.parametrize("renewed_at", [None, 0.0], ids=["killed", "handed back"])
def test_the_time_of_a_trial_ends_with_its_workers_last_sign_of_life(renewed_at: float | None, make: Make) -> None:
    storage = make({}, {})
    study = optuna.load_study(study_name="mine", storage=storage)
    seen_at = time.time() - 1000
    lease = {**LEASE, "renewed_at": seen_at if renewed_at is None else renewed_at, "seen_at": seen_at}
    study.set_user_attr("lease:w-1", lease)
    trial = optuna.trial.create_trial(state=optuna.trial.TrialState.RUNNING, user_attrs={WORKER: "w-1"})
    trial.datetime_start = datetime.fromtimestamp(seen_at - 13)
    study.add_trial(trial)
    assert load_study_trials(storage, "mine").trials[1].seconds == pytest.approx(13)


def test_the_time_of_a_trial_has_that_of_its_attempts_and_no_pause(tmp_path: Path) -> None:
    """A worker died after 13 seconds of its own, the second of its trial; somebody comes much later."""
    study = Study(make_spec(tmp_path))
    seen_at = time.time() - 1000
    study.set_attr("lease:w-1", {**LEASE, "renewed_at": seen_at, "seen_at": seen_at})
    notes = {WORKER: "w-1", BEFORE: 100.0, ASKED: 2.0}
    trial = optuna.trial.create_trial(state=optuna.trial.TrialState.RUNNING, user_attrs=notes)
    trial.datetime_start = datetime.fromtimestamp(seen_at - 15)
    study._study.add_trial(trial)
    study.free_lost()
    lost, waiting = load_study_trials(study.spec.storage, study.spec.name).attempts
    assert lost.attempt_seconds == pytest.approx(13)
    assert (lost.seconds, waiting.seconds) == (pytest.approx(113), pytest.approx(113))
    asked = study.ask("w-2")
    assert asked is not None
    study.begin(asked.number)
    study.complete(asked.number, 0.5)
    (done,) = [trial for trial in study.shown() if trial.finished]
    assert done.seconds_before == pytest.approx(113)
    assert done.seconds == pytest.approx(113 + (done.attempt_seconds or 0.0))
    assert (done.attempt_seconds or 0.0) < 500


def test_a_lease_says_when_it_was_handed_back(tmp_path: Path) -> None:
    study = Study(make_spec(tmp_path))
    with Lease(study) as lease:
        renewed = last_seen(study.attrs(), lease.worker)
    handed_back = last_seen(study.attrs(), lease.worker)
    assert renewed is not None
    assert handed_back is not None
    assert handed_back > renewed


@pytest.mark.parametrize(
    ("of_trial", "of_study", "said"),
    [
        ({RESULT: None}, {}, "'result' of trial 0 is None, which is no value that a sweep notes there; bring the file"),
        ({PROGRESS: "half"}, {}, "'progress' of trial 0 is 'half'"),
        ({}, {BUDGET: "ten"}, "'n_trials' of the study is 'ten'"),
        ({}, {IDENTITY: [1]}, r"'identity' of the study is \[1\]"),
        ({}, {"lease:here-1": "text"}, "'lease:here-1' of the study is 'text'"),
        ({}, {"lease:here-1": {"host": "here"}}, "'renewed_at' in 'lease:here-1' is None"),
    ],
)
def test_a_note_of_another_kind_is_told(
    of_trial: dict[str, Any], of_study: dict[str, Any], said: str, make: Make
) -> None:
    with pytest.raises(StoreError, match=f"the study of the sweep in .* cannot be used: {said}"):
        load_study_trials(make(of_trial, of_study), "mine")


@pytest.mark.parametrize(("step", "said"), [("'soon'", "'soon'"), ("9e999", "inf")])
def test_a_step_that_is_no_number_is_told(step: str, said: str, make: Make, tmp_path: Path) -> None:
    storage = make({}, {})
    study = optuna.load_study(study_name="mine", storage=storage)
    study.add_trial(optuna.trial.create_trial(value=0.5, intermediate_values={5: 0.25}))
    load_study_trials(storage, "mine")
    with closing(sqlite3.connect(tmp_path / "study.db")) as database, database:
        database.execute(f"UPDATE trial_intermediate_values SET step = {step}")
    told = f"cannot be used: trial 1 reported 0.25 at the step {said}, which is no number that a sweep notes there"
    with pytest.raises(StoreError, match=told):
        load_study_trials(storage, "mine")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE trial_user_attributes SET value_json = '{no json'",
        "UPDATE trial_user_attributes SET value_json = '{no json' WHERE key = 'launcher'",
        "UPDATE trial_values SET value = NULL WHERE trial_id = 2",
        "UPDATE trial_values SET value_type = 'junk' WHERE trial_id = 2",
    ],
)
def test_a_broken_cell_is_told(change: str, make: Make, tmp_path: Path) -> None:
    """Also of the study that holds who launches."""
    storage = make({}, {})
    with closing(sqlite3.connect(tmp_path / "study.db")) as database, database:
        database.execute(change)
    with pytest.raises(StoreError, match="cannot be used: a value in it is none that a study has; bring the file back"):
        sweep_status(storage, "mine")
