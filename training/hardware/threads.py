"""The cores that a process may use."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import joblib

# what joblib, and with it everything here that counts cores, takes for the most there are
MAX_CORES = "LOKY_MAX_CPU_COUNT"


def free_cores(num_processes: int = 1) -> int:
    """Physical cores for this process: those that affinity and a container's quota leave, shared by so many processes
    of ours, this one among them.
    """
    return max(1, int(joblib.cpu_count(only_physical_cores=True)) // num_processes)


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
