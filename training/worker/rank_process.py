"""One of the processes that train a trial together."""

import logging
import os
import threading
import time
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from slimtune.training.worker.trial_proxy import Given, PipeHandler, RelayedTrial

if TYPE_CHECKING:
    from slimtune.training.distributed.process_group import Group

PARENT_SECONDS = 1.0


def run_rank(rank: int, size: int, port: int, given: Given, connection: Connection) -> None:
    """The process's whole life. The first rank leads: it evaluates, reports, tracks and writes."""
    from slimtune.training.distributed.process_group import Group, rank_environment
    from slimtune.training.hardware.device import free_cores

    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    os.environ.update(rank_environment(rank, size, port))
    # accelerate warns of its own choice otherwise; the config's own number comes later
    os.environ.setdefault("OMP_NUM_THREADS", str(free_cores()))
    trial = RelayedTrial(given, connection, silent=rank > 0)
    if rank == 0:
        root = logging.getLogger()
        root.setLevel(logging.INFO)
        # as it is: the worker's handlers know how its lines look
        root.addHandler(PipeHandler(trial))
    group = Group(cpu=_is_on_cpu(given))
    if group.leads:
        from slimtune.training.worker.run import run_as_leader

        run_as_leader(trial, group)
    else:
        _follow(trial, group)


def _is_on_cpu(given: Given) -> bool:
    import torch

    return given.config["fit"]["device"] == "cpu" or not torch.cuda.is_available()


def _follow(trial: RelayedTrial, group: "Group") -> None:
    """Train in step with the first rank until it says stop; what goes wrong here is told to the conductor."""
    from slimtune.training.engine.trial_run import failed

    try:
        _keep_step(trial, group)
    except Exception as error:  # noqa: BLE001  # the trial boundary of this process
        trial.tell_failure(failed(error))


def _keep_step(trial: RelayedTrial, group: "Group") -> None:
    import torch

    from slimtune.training.config.trial import parse_trial
    from slimtune.training.engine.packing import gradients_that_fit
    from slimtune.training.engine.trainer import Slot
    from slimtune.training.hardware.device import resolve
    from slimtune.training.workbench.workbench import workbench_for

    config = parse_trial(trial.config).section
    resources = resolve(config.fit, group)
    torch.set_num_threads(resources.num_threads)
    slot = Slot(trial, config, workbench_for(config, resources), resources)
    slot.resume()
    while True:
        if slot.evaluation_due:
            if slot.evaluated_elsewhere():
                return
        elif gradients_that_fit(slot):
            slot.advance(None)


def _end_with_parent(parent: int) -> None:
    """A trial whose worker has died is tried again by another: it must not run unseen."""
    while os.getppid() == parent:
        time.sleep(PARENT_SECONDS)
    os._exit(1)
