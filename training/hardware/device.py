"""The device that a trial trains on."""

import os

import torch

from slimtune.training.config.fit import FitConfig
from slimtune.training.errors import ConfigError
from slimtune.training.listed_names import counted


def rank_device(fit: FitConfig, rank: int | None = None) -> torch.device:
    """The device that `fit` asks for; of a trial on several GPUs that of the rank, or None for the first.

    Raises:
        ConfigError: This machine lacks it, or has fewer than were asked for.
    """
    device = device_of(fit.device)
    if fit.devices > 1 and device.type == "cuda":
        _check_devices(fit, device)
        return torch.device("cuda", rank) if rank is not None else device
    if fit.devices > (os.cpu_count() or 1) and device.type == "cpu":
        raise ConfigError(
            [
                f"fit.devices is {fit.devices}, and this machine has {counted(os.cpu_count() or 1, 'processor')} and "
                "trains on them: each would be a process; use at most as many"
            ]
        )
    return device


def device_of(name: str) -> torch.device:
    """The device of this name; `auto` is a GPU where there is one.

    Raises:
        ConfigError: There is no such device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ConfigError([f"fit.device is {name!r}; use auto, cpu, cuda or cuda:<index>"]) from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError([f"fit.device is {name!r}, but {torch.cuda.device_count()} CUDA devices are here; use cpu"])
    return device


def _check_devices(fit: FitConfig, device: torch.device) -> None:
    num_here = torch.cuda.device_count()
    if fit.devices > num_here or device.index is not None:
        raise ConfigError(
            [
                f"fit.devices is {fit.devices} and fit.device is {fit.device}, but {num_here} CUDA devices are here; "
                "use at most as many, with fit.device=auto"
            ]
        )
