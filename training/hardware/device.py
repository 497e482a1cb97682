"""The device, the precision and the threads that a trial runs with."""

import os
from typing import NamedTuple

import joblib
import torch

from slimtune.training.config.fit import FitConfig, Precision
from slimtune.training.config.model import Attention
from slimtune.training.distributed.process_group import Ranks
from slimtune.training.errors import ConfigError

# more than a base of a useful size leaves memory for
MAX_SLOTS = 64
EAGER_LENGTH = 128
# tried by null, by type of device
AUTO_SLOTS = {"cpu": 4, "cuda": 8}


class Resources(NamedTuple):
    """Attributes:
    device: Where tensors live.
    precision: Never `auto`.
    num_threads: CPU threads of this process.
    ranks: The processes that train a trial together.
    """

    device: torch.device
    precision: Precision
    num_threads: int
    ranks: Ranks = Ranks()


def resolve(fit: FitConfig, ranks: Ranks | None = None) -> Resources:
    """Turn `auto` into what this machine has, or what of it is the rank's.

    Raises:
        ConfigError: A device or precision was asked for that the machine lacks.
    """
    device = _device(fit.device)
    if fit.devices > 1 and device.type == "cuda":
        _check_devices(fit, device)
        device = torch.device("cuda", ranks.rank) if ranks is not None else device
    size = ranks.size if ranks is not None else 1
    num_threads = max(1, fit.threads // size) if fit.threads else free_cores()
    return Resources(device, _precision(fit.precision, device), num_threads, ranks or Ranks())


def _check_devices(fit: FitConfig, device: torch.device) -> None:
    num_here = torch.cuda.device_count()
    if fit.devices > num_here or device.index is not None:
        raise ConfigError(
            [
                f"fit.devices is {fit.devices} and fit.device is {fit.device}, but {num_here} CUDA devices are here; "
                "use at most as many, with fit.device=auto"
            ]
        )


def free_cores() -> int:
    """Physical cores that this process may use (affinity, a container's quota), shared by the workers beside it
    (SLIMTUNE_WORKERS).
    """
    workers = int(os.environ.get("SLIMTUNE_WORKERS", "1"))
    return max(1, int(joblib.cpu_count(only_physical_cores=True)) // workers)


def is_out_of_memory(error: Exception) -> bool:
    """Whether memory, on the device or on the host, was too small; the CPU allocator has no exception of its own."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def empty_cache() -> None:
    """Give memory that PyTorch keeps for later back to the GPU."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def attention_of(attention: Attention, device: torch.device, *, max_length: int) -> Attention:
    """The attention implementation, never `auto`.

    On a CPU `auto` is eager up to `EAGER_LENGTH` tokens, where SDPA's backward pass gains nothing or, on machines
    that multiply bf16, takes half of a step; beyond, SDPA is up to twice as fast (`benchmarks/reports/attention.md`).
    """
    if attention is not Attention.auto:
        return attention
    return Attention.eager if device.type == "cpu" and max_length <= EAGER_LENGTH else Attention.sdpa


def has_native_bf16(device: torch.device) -> bool:
    """Whether the device multiplies bf16 matrices in hardware."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    cpu = torch.cpu.get_capabilities()
    return bool(cpu.get("amx_bf16") or cpu.get("avx512_bf16"))


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ConfigError([f"fit.device is {name!r}; use auto, cpu, cuda or cuda:<index>"]) from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError([f"fit.device is {name!r}, but {torch.cuda.device_count()} CUDA devices are here; use cpu"])
    return device


def _precision(asked: Precision, device: torch.device) -> Precision:
    if asked is Precision.auto:
        return Precision.bf16 if has_native_bf16(device) else Precision.fp32
    if asked is Precision.fp16 and device.type == "cpu":
        raise ConfigError(["fit.precision is fp16, which a CPU does not train in; use bf16 or fp32"])
    return asked


def autocast(resources: Resources) -> torch.autocast:
    """Mixed precision for bf16 and fp16, nothing for fp32."""
    dtype = torch.float16 if resources.precision is Precision.fp16 else torch.bfloat16
    return torch.autocast(resources.device.type, dtype=dtype, enabled=resources.precision is not Precision.fp32)
