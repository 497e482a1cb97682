"""The cores that a process may use."""

import joblib


def free_cores(num_processes: int = 1) -> int:
    """Physical cores for this process: those that affinity and a container's quota leave, shared by so many processes
    of ours, this one among them.
    """
    return max(1, int(joblib.cpu_count(only_physical_cores=True)) // num_processes)
