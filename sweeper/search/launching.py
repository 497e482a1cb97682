"""Workers are launched until every place of the budget has an outcome."""

import logging
import time
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Protocol

from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher

from slimtune.sweeper.search.launchers.interruption import gently_interrupted
from slimtune.sweeper.search.launchers.origin import launching_process
from slimtune.sweeper.search.launchers.plugins import die_alone, fitting
from slimtune.sweeper.search.launchers.under_way import Launches
from slimtune.sweeper.search.launchers.worker_lines import told_as_workers
from slimtune.sweeper.search.request import HydraApp, SweepRequest, first_choices
from slimtune.sweeper.study import Study
from slimtune.sweeper.study.liveness.frozen import FrozenWorkers
from slimtune.training.errors import StoreError, UserError

if TYPE_CHECKING:
    from slimtune.sweeper.search.worker import Worker

log = logging.getLogger(__name__)

POLL_SECONDS = 2.0
# launches without a new trial after which something is wrong with the launcher itself
MAX_IDLE_LAUNCHES = 3
# a worker that stays longer than this after the last trial is not waited for
MAX_LEAVING_SECONDS = 60.0
# a launcher that has not come back by then, after its last worker has left, is left behind; Ray crashes a process that
# ends while one of its threads asks for the workers' results
MAX_RETURN_SECONDS = 10.0
DEAD_WORKERS = (
    "TerminatedWorkerError",
    "BrokenProcessPool",
    "UncompletedJobError",
    "RayActorError",
    "WorkerCrashedError",
    "NodeDiedError",
    "ObjectLostError",
    "OwnerDiedError",
)
# PyTorch has an error of the same name
RAY_MEMORY = "OutOfMemoryError"


class BudgetLeft(Protocol):
    """What `search` needs of a study: how much of its budget is left."""

    def num_unfinished(self) -> int: ...

    def num_open(self) -> int: ...

    def num_begun(self) -> int: ...

    def num_died(self, launcher: str) -> int: ...

    def num_living(self, launcher: str) -> int: ...

    def free_lost(self) -> object: ...

    def is_stopping(self) -> bool: ...

    def num_working(self) -> int: ...


def search_with(worker: "Worker", request: SweepRequest, study: Study) -> None:
    """Launch workers as a sweep asks for them, until every place of a study of its trials has an outcome.

    Those that are frozen are ended meanwhile. Trials of a task function make no steps that they could end between:
    Ctrl-C ends these at once.
    """
    study.roster.launcher = worker.launcher
    interrupts = nullcontext() if worker.entry is None else gently_interrupted(study.roster)
    with FrozenWorkers(study, study.spec.limits), interrupts:
        search(
            study,
            make_launcher(request.app, worker),
            num_workers=request.search.config.num_workers,
            first_choices=first_choices(request),
        )


def search(study: BudgetLeft, launcher: Launcher, *, num_workers: int, first_choices: Sequence[str]) -> None:
    """Launch workers until every place of the budget has an outcome, or somebody wants it to stop.

    Workers of other launching processes have left by then, too.
    """
    if die_alone(launcher):
        _search_beside(study, launcher, num_workers=num_workers, first_choices=first_choices)
        return
    idle_launches = 0
    while study.num_unfinished() > 0 and not study.is_stopping():
        begun = study.num_begun()
        study.free_lost()
        if study.num_open() > 0:
            _launch(launcher, range(num_workers), first_choices)
        else:
            # the rest runs in workers of another machine
            time.sleep(POLL_SECONDS)
        is_idle = study.num_open() > 0 and study.num_begun() == begun and not study.is_stopping()
        idle_launches = idle_launches + 1 if is_idle else 0
        _check_idle(idle_launches)
    _wait_for_workers(study)


def _wait_for_workers(study: BudgetLeft) -> None:
    """Their trials have ended, but the tracker may have more to take of them."""
    deadline = time.monotonic() + MAX_LEAVING_SECONDS
    while study.num_working() > 0 and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS / 4)
    study.free_lost()


def _search_beside(study: BudgetLeft, launcher: Launcher, *, num_workers: int, first_choices: Sequence[str]) -> None:
    """Watch the study beside the launches: where workers die alone, a launcher waits for those that go on."""
    launches = Launches(lambda indices: _launch(launcher, indices, first_choices))
    died, begun, idle_launches = study.num_died(launching_process()), -1, 0
    while study.num_unfinished() > 0 and not study.is_stopping():
        study.free_lost()
        launches.raise_errors()
        dead, is_open = study.num_died(launching_process()), study.num_open() > 0
        # of a launch that is over since one of its workers died, others may go on
        missing = num_workers - study.num_living(launching_process())
        if is_open and not launches.are_under_way and missing > 0:
            idle_launches = idle_launches + 1 if study.num_begun() == begun else 0
            _check_idle(idle_launches)
            begun, died = study.num_begun(), dead
            launches.begin(missing)
        elif is_open and dead > died:
            log.warning("workers that died: %d; as many others begin", dead - died)
            launches.begin(dead - died)
            died = dead
        time.sleep(POLL_SECONDS / 2)
    _wait_for_workers(study)
    launches.wait(MAX_RETURN_SECONDS)


def _check_idle(launches: int) -> None:
    if launches >= MAX_IDLE_LAUNCHES:
        raise StoreError(f"{launches} launches of workers in a row ended without a trial; see their logs")


def make_launcher(app: HydraApp, worker: "Worker") -> Launcher:
    """The configured launcher, with our worker as its task."""
    config = fitting(app.config, num_workers=worker.num_workers)
    return Plugins.instance().instantiate_launcher(hydra_context=app.context, task_function=worker, config=config)


def _launch(launcher: Launcher, indices: range, overrides: Sequence[str]) -> None:
    jobs = [[*overrides, f"hydra.sweep.subdir=workers/{index}"] for index in indices]
    try:
        with told_as_workers(launcher):
            results = launcher.launch(jobs, initial_job_idx=indices.start)
    except UserError:
        raise
    except Exception as error:
        if not _is_death(error):
            log.debug("no workers", exc_info=True)
            raise StoreError(_not_launched(launcher, error)) from error
        log.warning("a worker died (%s); its trial is tried again", type(error).__name__)
        return
    for result in results:
        # `return_value` would print about the job, where the error says more
        if isinstance(result._return_value, BaseException):
            raise result._return_value


def _is_death(error: Exception) -> bool:
    name = type(error).__name__
    return name in DEAD_WORKERS or (name == RAY_MEMORY and type(error).__module__.startswith("ray."))


def _not_launched(launcher: Launcher, error: Exception) -> str:
    said = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (
        f"{type(launcher).__name__} started no workers: {type(error).__name__}: {said[-1] if said else ''}; "
        "see the keys of hydra.launcher"
    )
