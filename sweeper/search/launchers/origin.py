"""Where workers are launched from, and by that what is theirs where they run."""

import logging
import os
import socket
from typing import NamedTuple

from slimtune.sweeper.search.launchers.allotment import allotment
from slimtune.sweeper.search.launchers.gpus import take_gpus, visible_gpus

log = logging.getLogger(__name__)
NO_GPU = (
    "Ray has GPUs and gave this worker none, so that it sees none; take hydra/launcher=ray_gpu, "
    "or set hydra.launcher.ray.remote.num_gpus"
)


class Origin(NamedTuple):
    """Of a launch; it travels with the workers.

    Attributes:
        process: The launching one.
        machine: Its host name.
        allotment: What a scheduler calls that process' part of a machine.
        gpus: Devices that workers of the same machine divide among themselves.
        cores: What other processes leave of that machine; None is all of it, or was not looked at.
    """

    process: str | None = None
    machine: str = ""
    allotment: str | None = None
    gpus: tuple[str, ...] = ()
    cores: int | None = None

    @property
    def is_this_process(self) -> bool:
        """Whether this process is the launching one."""
        return self.process == launching_process()

    @property
    def is_this_machine(self) -> bool:
        """Whether this process runs on the launching one's machine."""
        return self.machine in ("", socket.gethostname())


class Share(NamedTuple):
    """What a worker has of the machine that it runs on.

    Attributes:
        num_workers: How many share its cores, this one among them.
        cores: How many these are; None is all that are there.
    """

    num_workers: int
    cores: int | None


def launching_process() -> str:
    """A name for this process that no other machine has."""
    return f"{socket.gethostname()}-{os.getpid()}"


def origin_of(num_workers: int, *, cores: int | None = None) -> Origin:
    """This process as the origin of so many workers; one alone takes whatever GPU its trials ask for."""
    gpus = visible_gpus() if num_workers > 1 else ()
    return Origin(launching_process(), socket.gethostname(), allotment().name, gpus, cores)


def settle(origin: Origin, *, num_workers: int, gpus_each: int, index: int) -> Share:
    """Take what is this worker's: the GPUs, and the cores that a scheduler or other processes leave to it.

    Ray and Slurm give a worker GPUs of its own themselves, and say by `CUDA_VISIBLE_DEVICES` which ones.

    Args:
        origin: Of its launch.
        num_workers: Of its launch.
        gpus_each: How many GPUs its trials are trained on; 0 where they name theirs, or want none.
        index: Its number in the launch.
    """
    own = allotment()
    if own.name is not None and own.name != origin.allotment:
        if own.spares_gpus and gpus_each > 0:
            log.warning(NO_GPU)
        return Share(1, own.cores)
    if gpus_each > 0 and not origin.is_this_process:
        take_gpus(origin.gpus, each=gpus_each, index=index)
    return Share(num_workers, own.cores or (origin.cores if origin.is_this_machine else None))
