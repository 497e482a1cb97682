"""One of the processes that train a trial together."""

import os
import threading
import time
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from training.relay import Given, RelayedTrial

if TYPE_CHECKING:
    from training.ranks import Group

PARENT_SECONDS = 1.0


def run_rank(rank: int, size: int, port: int, given: Given, connection: Connection | None) -> None:
    """The process's whole life. The first rank leads: it evaluates, reports, tracks and writes."""
    from training.ranks import Group, rank_environment

    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    os.environ.update(rank_environment(rank, size, port))
    trial = RelayedTrial(given, connection)
    group = Group(cpu=_is_on_cpu(given))
    if group.leads:
        _lead(trial, group)
    else:
        _follow(trial, group)


def _is_on_cpu(given: Given) -> bool:
    import torch

    return given.config["fit"]["device"] == "cpu" or not torch.cuda.is_available()


def _lead(trial: RelayedTrial, group: "Group") -> None:
    from training.engine import run_alone

    run_alone(trial, group)


def _follow(trial: RelayedTrial, group: "Group") -> None:
    """Train in step with the first rank until it says stop."""
    from training.config import parse_trial
    from training.pack import gradients_alone
    from training.resources import resolve
    from training.slot import Slot
    from training.workbench import workbench_for

    config = parse_trial(trial.config).section
    resources = resolve(config.fit, group)
    slot = Slot(trial, config, workbench_for(config, resources), resources)
    slot.resume()
    while True:
        if slot.evaluation_due:
            if slot.evaluated_elsewhere():
                return
        else:
            gradients_alone(slot)
            slot.advance(None)


def _end_with_parent(parent: int) -> None:
    """A trial whose worker has died is tried again by another: it must not run unseen."""
    while os.getppid() == parent:
        time.sleep(PARENT_SECONDS)
    os._exit(1)
