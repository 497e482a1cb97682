"""What a scheduler leaves to this process of a machine that others use too."""

import math
import os
import sys
from typing import NamedTuple

SLURM_JOB = "SLURM_JOB_ID"
# of a step's own; else of the job on this node
SLURM_CORES = ("SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE")


class Allotment(NamedTuple):
    """What this process has, perhaps with others.

    Attributes:
        name: Processes with the same name share it; None is a machine without a scheduler.
        cores: None where a scheduler says nothing of them.
        spares_gpus: Whether the scheduler has GPUs and hides them all from this process.
    """

    name: str | None
    cores: int | None
    spares_gpus: bool = False


def allotment() -> Allotment:
    """That of the innermost scheduler: a Ray cluster may lie within a job of Slurm."""
    return _of_ray() or _of_slurm() or Allotment(None, None)


def _of_ray() -> Allotment | None:
    # whoever runs in a task of Ray's has it loaded
    ray = sys.modules.get("ray")
    if ray is None or not ray.is_initialized():
        return None
    context = ray.get_runtime_context()
    task = context.get_task_id()
    if task is None:
        # the process that has launched the tasks
        return None
    own = context.get_assigned_resources()
    spares_gpus = not own.get("GPU") and bool(ray.cluster_resources().get("GPU"))
    return Allotment(f"ray task {task}", max(1, math.floor(own.get("CPU", 0))), spares_gpus)


def _of_slurm() -> Allotment | None:
    job = os.environ.get(SLURM_JOB)
    if job is None:
        return None
    said = [value for name in SLURM_CORES if (value := os.environ.get(name, "")).isdecimal()]
    return Allotment(f"slurm job {job}", int(said[0]) if said else None)
