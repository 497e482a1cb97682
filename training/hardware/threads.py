"""The cores that a process may use."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import joblib
import psutil

# what joblib, and with it everything here that counts cores, takes for the most there are
MAX_CORES = "LOKY_MAX_CPU_COUNT"


def free_cores(num_processes: int = 1) -> int:
    """Physical cores for this process: those that affinity and a container's quota leave, shared by so many processes
    of ours, this one among them.
    """
    cores = int(joblib.cpu_count())
    if cores >= (os.cpu_count() or 1):
        # nothing limits them; joblib would ask lscpu, which a container may lack, or which may see no cores there
        cores = psutil.cpu_count(logical=False) or cores
    return max(1, cores // num_processes)


def is_limited() -> bool:
    """Whether a person or a scheduler has said how many cores this process has."""
    return MAX_CORES in os.environ


@contextmanager
def at_most(cores: int | None) -> Iterator[None]:
    """Within, this process and its children count no more cores than these; a number that was set before holds."""
    if cores is None or is_limited():
        yield
        return
    os.environ[MAX_CORES] = str(cores)
    try:
        yield
    finally:
        os.environ.pop(MAX_CORES, None)
