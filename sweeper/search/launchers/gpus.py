"""A GPU a worker: the workers of one machine divide its devices among themselves."""

import logging
import os
import tempfile
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig

from slimtune.training.user_id import user_id

if TYPE_CHECKING:
    from filelock import BaseFileLock

log = logging.getLogger(__name__)

VISIBLE = "CUDA_VISIBLE_DEVICES"
# of NVIDIA's driver, of Windows' own in Linux, of AMD's: where none of them is, PyTorch need not be asked
DRIVERS = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")

# CUDA keeps the devices that a process began with, and launchers use processes again; released when the process ends
_held: list["BaseFileLock"] = []


def visible_gpus() -> tuple[str, ...]:
    """The GPUs of this process, as `CUDA_VISIBLE_DEVICES` names them; none of a machine without any."""
    listed = os.environ.get(VISIBLE)
    if listed is not None:
        # CUDA sees nothing behind a name that is none, such as -1
        return tuple(takewhile(lambda name: name and name[0] != "-", (one.strip() for one in listed.split(","))))
    if not any(Path(driver).exists() for driver in DRIVERS):
        return ()
    import torch

    return tuple(str(index) for index in range(torch.cuda.device_count()))


def gpus_each(config: DictConfig) -> int:
    """How many GPUs a trial of ours is trained on; 0 where the config names its device, or wants none."""
    return int(config.fit.devices) if config.fit.device in ("auto", "cuda") else 0


def take_gpus(gpus: Sequence[str], *, each: int, index: int) -> None:
    """Let this process see devices that no other worker of this user has; where all are taken, share some.

    A process that has taken some keeps them.

    Args:
        gpus: All that workers may take.
        each: How many a trial is trained on.
        index: The worker's number: it begins to look there.
    """
    groups = [gpus[first : first + each] for first in range(0, len(gpus) - each + 1, each)]
    if _held or not groups:
        return
    first = index % len(groups)
    wanted = [*groups[first:], *groups[:first]]
    group = next((group for group in wanted if _held_alone(group)), wanted[0])
    os.environ[VISIBLE] = ",".join(group)
    log.info("worker %d: %s=%s%s", index, VISIBLE, os.environ[VISIBLE], "" if _held else ", shared with another worker")


def _held_alone(group: Sequence[str]) -> bool:
    # it imports asyncio, which a machine without a GPU need not wait for
    from filelock import FileLock, Timeout

    folder = Path(tempfile.gettempdir(), f"slimtune-gpus-{user_id()}")
    folder.mkdir(exist_ok=True)
    locks = [FileLock(folder / f"{name.replace('/', '-')}.lock", thread_local=False) for name in group]
    try:
        for lock in locks:
            lock.acquire(timeout=0)
    except Timeout:
        for lock in locks:
            lock.release()
        return False
    _held.extend(locks)
    return True
