"""Trials take what others leave when they begin, and as much when they go on."""

from typing import Any

import optuna
import pytest

from slimtune.sweeper.campaigns import own_cores
from slimtune.sweeper.campaigns.own_cores import OwnCores, SweepCores
from slimtune.sweeper.study import Study
from slimtune.training.hardware.load import OthersLoad
from slimtune.training.hardware.threads import MAX_CORES
from tests.sweeper.study.specs import spec_of


class Busy(OthersLoad):
    capacity = 4.0

    def __init__(self, cores: float) -> None:
        self._cores = cores

    def cores(self) -> float:
        return self._cores


@pytest.fixture(autouse=True)
def four_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MAX_CORES, raising=False)
    monkeypatch.setattr(own_cores, "free_cores", lambda: 4)


SEVERAL = "a trial each, or several at once (fit.slots)"


def fit_of(threads: int | None = None, slots: int | None = None) -> Any:
    return type("Fit", (), {"threads": threads, "slots": slots})()


@pytest.mark.parametrize(("busy", "left"), [(0.0, 4), (0.4, 4), (0.7, 3), (2.0, 2), (3.9, 1), (9.0, 1)])
def test_what_others_leave(busy: float, left: int) -> None:
    found = own_cores.own_cores(fit_of(), Busy(busy), before=None)
    assert found.number == left
    assert (found.note is None) == (left == 4)
    if found.note is not None:
        assert f"other processes keep {busy:.1f} of 4 cores busy: trials take {left}" in found.note


def test_a_quota_is_not_used_up_by_others_on_the_rest_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 64 cores, in a container that has the time of four."""
    monkeypatch.setattr(Busy, "capacity", 64.0)
    assert own_cores.own_cores(fit_of(), Busy(20.0), before=None) == OwnCores(4)
    assert own_cores.own_cores(fit_of(), Busy(62.0), before=None).number == 2


def test_who_goes_on_takes_as_many_as_before() -> None:
    assert own_cores.own_cores(fit_of(), Busy(0.0), before=2) == OwnCores(
        2, "on 2 of 4 cores, as it began (fit.threads sets the number)"
    )
    assert own_cores.own_cores(fit_of(), Busy(3.0), before=4) == OwnCores(4)


def test_what_a_person_or_a_scheduler_says_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert own_cores.own_cores(fit_of(2), Busy(3.0), before=None) == OwnCores(None)
    monkeypatch.setenv(MAX_CORES, "3")
    assert own_cores.own_cores(fit_of(), Busy(3.0), before=None) == OwnCores(None)
    monkeypatch.delenv(MAX_CORES)
    monkeypatch.setenv("SLURM_JOB_ID", "1")
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "2")
    assert own_cores.own_cores(fit_of(), Busy(3.0), before=None) == OwnCores(None)


def test_a_sweep_that_is_resumed_has_the_cores_that_it_had(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that joins it on the same machine takes what is left."""
    study = Study(spec_of(storage=optuna.storages.InMemoryStorage()))
    taken = []
    for busy, leads in ((2.0, True), (0.0, True), (3.0, True), (3.0, False)):
        monkeypatch.setattr(own_cores, "OthersLoad", lambda busy=busy: Busy(busy))
        cores = SweepCores()
        taken.append(cores.take(study, fit_of(), leads=leads).number)
        assert cores.take(study, fit_of(), leads=True) == OwnCores(taken[-1])
    assert taken == [2, 2, 2, 1]


@pytest.mark.parametrize(
    ("num_workers", "threads", "cores", "told"),
    [
        (1, None, 4, None),
        (2, None, 2, "2 workers of 1 thread each"),
        (2, None, None, "2 workers of 2 threads each"),
        (3, None, 2, "3 workers of 1 thread each"),
        (2, 3, 4, "2 workers of 3 threads each"),
    ],
)
def test_several_workers_are_told(num_workers: int, threads: int | None, cores: int | None, told: str | None) -> None:
    line = own_cores.workers_line(num_workers, fit_of(threads), cores, elsewhere=False)
    assert line is None if told is None else line is not None and line == f"{told} (search.num_workers), {SEVERAL}"


def test_nobody_knows_the_threads_of_other_machines() -> None:
    line = own_cores.workers_line(4, fit_of(), 2, elsewhere=True)
    assert line == f"4 workers (search.num_workers), {SEVERAL}"
    alone = own_cores.workers_line(4, fit_of(slots=1), 2, elsewhere=True)
    assert alone == "4 workers (search.num_workers), a trial each"
