"""Workers are launched until every place of the budget has an outcome."""

import logging
import time
from collections.abc import Sequence
from typing import Protocol

from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.types import TaskFunction

from slimtune.sweeper.search.request import HydraApp
from slimtune.training.errors import StoreError

log = logging.getLogger(__name__)

POLL_SECONDS = 2.0
# launches without a new trial after which something is wrong with the launcher itself
MAX_IDLE_LAUNCHES = 3
# a worker that stays longer than this after the last trial is not waited for
MAX_LEAVING_SECONDS = 60.0
DEAD_WORKERS = (
    "TerminatedWorkerError",
    "BrokenProcessPool",
    "UncompletedJobError",
    "RayActorError",
    "WorkerCrashedError",
)


class Budget(Protocol):
    """What `search` needs of a study: how much of its budget is left."""

    def num_unfinished(self) -> int: ...

    def num_open(self) -> int: ...

    def num_begun(self) -> int: ...

    def free_lost(self) -> object: ...

    def is_stopping(self) -> bool: ...

    def num_working(self) -> int: ...


def search(study: Budget, launcher: Launcher, *, num_workers: int, first_choices: Sequence[str]) -> None:
    """Launch workers until every place of the budget has an outcome, or somebody wants it to stop.

    Workers of other launching processes have left by then, too.
    """
    idle_launches = 0
    while study.num_unfinished() > 0 and not study.is_stopping():
        begun = study.num_begun()
        study.free_lost()
        if study.num_open() > 0:
            _launch(launcher, num_workers, first_choices)
        else:
            # the rest runs in workers of another machine
            time.sleep(POLL_SECONDS)
        is_idle = study.num_open() > 0 and study.num_begun() == begun and not study.is_stopping()
        idle_launches = idle_launches + 1 if is_idle else 0
        if idle_launches >= MAX_IDLE_LAUNCHES:
            raise StoreError(f"{idle_launches} launches of workers in a row ended without a trial; see their logs")
    _wait_for_workers(study)


def _wait_for_workers(study: Budget) -> None:
    """Their trials have ended, but the tracker may have more to take of them."""
    deadline = time.monotonic() + MAX_LEAVING_SECONDS
    while study.num_working() > 0 and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS / 4)
    study.free_lost()


def make_launcher(app: HydraApp, worker: TaskFunction) -> Launcher:
    """The configured launcher, with our worker as its task."""
    return Plugins.instance().instantiate_launcher(hydra_context=app.context, task_function=worker, config=app.config)


def _launch(launcher: Launcher, num_workers: int, overrides: Sequence[str]) -> None:
    jobs = [[*overrides, f"hydra.sweep.subdir=workers/{index}"] for index in range(num_workers)]
    try:
        results = launcher.launch(jobs, initial_job_idx=0)
    except Exception as error:
        if type(error).__name__ not in DEAD_WORKERS:
            raise
        log.warning("a worker has ended before its time (%s); its trial is tried again", type(error).__name__)
        return
    for result in results:
        # `return_value` would print about the job, where the error says more
        if isinstance(result._return_value, BaseException):
            raise result._return_value
