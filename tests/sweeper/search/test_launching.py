"""Workers are launched until the budget is gone, whatever becomes of them."""

import threading
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from slimtune.sweeper.search import launching
from slimtune.sweeper.search.launching import search
from slimtune.training.errors import StoreError


class FakeStudy:
    """A budget that fake workers use up."""

    def __init__(self, budget: int) -> None:
        self.budget, self.begun, self.ended, self.died, self.living = budget, 0, 0, 0, 0

    def num_unfinished(self) -> int:
        return self.budget - self.ended

    def num_open(self) -> int:
        return self.budget - self.begun

    def num_begun(self) -> int:
        return self.begun

    def num_died(self, launcher: str) -> int:
        return self.died

    def num_living(self, launcher: str) -> int:
        return self.living

    def is_stopping(self) -> bool:
        return False

    def num_working(self) -> int:
        return 0

    def free_lost(self) -> None:
        return None

    def run_all(self) -> None:
        self.begun = self.ended = self.budget


class SlurmLauncher:
    """Launches what is given, and keeps with how many workers; of the plugin only the name counts."""

    def __init__(self, *launches: Callable[[], object]) -> None:
        self._launches = list(launches)
        self.numbers: list[list[int]] = []

    def launch(self, jobs: Sequence[Sequence[str]], initial_job_idx: int) -> list[Any]:
        self.numbers.append([int(job[-1].rpartition("/")[2]) for job in jobs])
        assert self.numbers[-1][0] == initial_job_idx
        self._launches.pop(0)()
        return [SimpleNamespace(_return_value=None) for _ in jobs]


class BasicLauncher(SlurmLauncher):
    """Of those whose workers die together."""


class UncompletedJobError(RuntimeError):
    """As submitit's."""


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launching, "POLL_SECONDS", 0.01)
    # for one that never comes back
    monkeypatch.setattr(launching, "MAX_RETURN_SECONDS", 0.2)


def fails(error: Exception) -> Callable[[], object]:
    def launch() -> object:
        raise error

    return launch


def run(study: FakeStudy, launcher: Any, num_workers: int = 3) -> None:
    search(study, launcher, num_workers=num_workers, first_choices=["x=1"])


@pytest.mark.parametrize("kind", [BasicLauncher, SlurmLauncher])
def test_a_death_does_not_end_the_search(kind: type[SlurmLauncher]) -> None:
    study = FakeStudy(budget=4)

    def dies() -> None:
        study.begun = study.ended = 1
        raise UncompletedJobError

    launcher = kind(dies, study.run_all)
    run(study, launcher)
    assert [len(numbers) for numbers in launcher.numbers] == [3, 3]


def test_one_more_begins_for_each_that_died_while_others_go_on() -> None:
    """The launcher waits for the others, and perhaps forever; numbers, and with them folders, are not used twice."""
    study, ended = FakeStudy(budget=4), threading.Event()

    def one_dies() -> None:
        study.begun, study.died = 3, 1
        ended.wait()

    launcher = SlurmLauncher(one_dies, study.run_all)
    run(study, launcher)
    ended.set()
    assert launcher.numbers == [[0, 1, 2], [3]]


def test_the_search_ends_after_a_launcher_that_comes_back_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its workers have ended: a process that goes before it would end in the middle of it."""
    study, has_returned = FakeStudy(budget=4), threading.Event()
    monkeypatch.setattr(launching, "MAX_RETURN_SECONDS", 60.0)

    def comes_back_late() -> None:
        study.run_all()
        threading.Event().wait(0.1)
        has_returned.set()

    run(study, SlurmLauncher(comes_back_late))
    assert has_returned.is_set()


def test_those_that_outlive_their_launch_are_not_replaced() -> None:
    """A launcher comes back when its first job has died; the other two go on."""
    study = FakeStudy(budget=4)

    def first_dies() -> None:
        study.begun, study.died, study.living = 3, 1, 2
        raise UncompletedJobError

    launcher = SlurmLauncher(first_dies, study.run_all)
    run(study, launcher)
    assert [len(numbers) for numbers in launcher.numbers] == [3, 1]


@pytest.mark.parametrize("kind", [BasicLauncher, SlurmLauncher])
def test_launches_without_a_trial_end_the_search(kind: type[SlurmLauncher]) -> None:
    launcher = kind(*[lambda: None] * 9)
    with pytest.raises(StoreError, match="3 launches of workers in a row ended without a trial"):
        run(FakeStudy(budget=4), launcher)
    assert len(launcher.numbers) == 3


@pytest.mark.parametrize("kind", [BasicLauncher, SlurmLauncher])
def test_what_cannot_be_launched_is_told_in_one_line(kind: type[SlurmLauncher]) -> None:
    said = "sbatch: error: Batch job submission failed:\nsbatch: error: invalid partition specified: gpu"
    with pytest.raises(StoreError, match=f"^{kind.__name__} started no workers: RuntimeError: .* specified: gpu; see "):
        run(FakeStudy(budget=4), kind(fails(RuntimeError(said))))


def test_an_error_of_a_worker_is_that_of_the_search() -> None:
    """As a study that it does not reach."""

    class Failing(SlurmLauncher):
        def launch(self, jobs: Sequence[Sequence[str]], initial_job_idx: int) -> list[Any]:
            return [SimpleNamespace(_return_value=StoreError("not reached"))]

    Failing.__name__ = "RayLauncher"
    with pytest.raises(StoreError, match="not reached"):
        run(FakeStudy(budget=4), Failing())
