"""What a trial runs with on this machine: a device, a precision, threads, and the processes that train it together."""

from typing import NamedTuple

import torch

from slimtune.training.config.fit import FitConfig, Precision
from slimtune.training.distributed.process_group import ProcessGroup
from slimtune.training.hardware.device import rank_device
from slimtune.training.hardware.precision import resolved_precision
from slimtune.training.hardware.threads import free_cores

# of matrix products, where it is not that of the weights
COMPUTE_DTYPES = {Precision.bf16: torch.bfloat16, Precision.fp16: torch.float16}


class Resources(NamedTuple):
    """What a trial runs with.

    Attributes:
        device: Where tensors live.
        precision: Never `auto`.
        num_threads: CPU threads of this process.
        group: The processes that train a trial together.
    """

    device: torch.device
    precision: Precision
    num_threads: int
    group: ProcessGroup = ProcessGroup()

    @property
    def compute_dtype(self) -> torch.dtype | None:
        """What matrix products of mixed precision are taken in; None where it is that of the weights."""
        return COMPUTE_DTYPES.get(self.precision)

    def autocast(self) -> torch.autocast:
        """Mixed precision for bf16 and fp16, nothing for fp32."""
        dtype = torch.float16 if self.precision is Precision.fp16 else torch.bfloat16
        return torch.autocast(self.device.type, dtype=dtype, enabled=self.precision is not Precision.fp32)


def resolve(fit: FitConfig, group: ProcessGroup | None = None, *, num_workers: int = 1) -> Resources:
    """Turn `auto` into what this machine has, or what of it is the rank's.

    Args:
        fit: What was asked for.
        group: The processes that train the trial together; None where this one is alone, or not yet one of them.
        num_workers: Workers that share this machine's cores, each with as many processes.

    Raises:
        ConfigError: A device or precision was asked for that the machine lacks.
    """
    device = rank_device(fit, group.rank if group is not None else None)
    size = group.size if group is not None else 1
    num_threads = max(1, fit.threads // size) if fit.threads else free_cores(num_workers * size)
    return Resources(device, resolved_precision(fit.precision, device), num_threads, group or ProcessGroup())
