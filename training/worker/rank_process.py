"""One of the processes that train a trial together."""

import logging
import os
import signal
import threading
import time
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, NamedTuple

from slimtune.training.worker.trial_proxy import PipeHandler, TrialProxy, TrialSpec

if TYPE_CHECKING:
    from slimtune.training.distributed.process_group import DistributedGroup

PARENT_SECONDS = 1.0


class RankPlace(NamedTuple):
    """Which of the processes this one is.

    Attributes:
        rank: Its number; 0 leads.
        size: Processes of the group.
        port: Where they meet on this machine.
        num_workers: Workers that share this machine's cores, each with as many processes.
    """

    rank: int
    size: int
    port: int
    num_workers: int


def run_rank(place: RankPlace, spec: TrialSpec, connection: Connection) -> None:
    """The process's whole life. The first rank leads: it evaluates, reports, tracks and writes."""
    from slimtune.training.distributed.process_group import DistributedGroup, rank_environment
    from slimtune.training.hardware.threads import free_cores

    # a terminal interrupts ranks too: the worker alone hears that, and ends them with their state saved
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    os.environ.update(rank_environment(place.rank, place.size, place.port))
    # accelerate warns of its own choice otherwise; the config's own number comes later
    os.environ.setdefault("OMP_NUM_THREADS", str(free_cores(place.num_workers * place.size)))
    trial = TrialProxy(spec, connection, silent=place.rank > 0)
    if place.rank == 0:
        root = logging.getLogger()
        root.setLevel(logging.INFO)
        # as it is: the worker's handlers know how its lines look
        root.addHandler(PipeHandler(trial))
    group = DistributedGroup(cpu=_is_on_cpu(spec))
    if group.leads:
        from slimtune.training.worker.run import run_as_leader

        run_as_leader(trial, group, num_workers=place.num_workers)
    else:
        _follow(trial, group, place.num_workers)


def _is_on_cpu(spec: TrialSpec) -> bool:
    import torch

    return spec.config["fit"]["device"] == "cpu" or not torch.cuda.is_available()


def _follow(trial: TrialProxy, group: "DistributedGroup", num_workers: int) -> None:
    """Train in step with the first rank until it says stop; what goes wrong here is told to the rank launcher."""
    from slimtune.training.engine.trial_run import failed

    try:
        _keep_step(trial, group, num_workers)
    except Exception as error:  # noqa: BLE001  # the trial boundary of this process
        trial.tell_failure(failed(error))


def _keep_step(trial: TrialProxy, group: "DistributedGroup", num_workers: int) -> None:
    import torch

    from slimtune.training.config.trial import parse_trial
    from slimtune.training.engine.packing import gradients_that_fit
    from slimtune.training.engine.trainer import TrialTrainer
    from slimtune.training.hardware.resources import resolve
    from slimtune.training.workbench.workbench import workbench_for

    config = parse_trial(trial.config).section
    resources = resolve(config.fit, group, num_workers=num_workers)
    torch.set_num_threads(resources.num_threads)
    trainer = TrialTrainer(trial, config, workbench_for(config, resources), resources)
    trainer.resume()
    while True:
        if trainer.evaluation_due:
            if trainer.evaluated_elsewhere():
                return
        elif gradients_that_fit(trainer):
            trainer.advance(None)


def _end_with_parent(parent: int) -> None:
    """A trial whose worker has died is tried again by another: it must not run unseen."""
    while os.getppid() == parent:
        time.sleep(PARENT_SECONDS)
    os._exit(1)
