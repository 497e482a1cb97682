"""The processes that train one trial together, each on its own rows; alone is a group of one."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import torch
from torch import nn

# a rank waits while the first one evaluates; one that died is noticed by the rank launcher
TIMEOUT = timedelta(hours=12)
# numbers of a gradient that is worth a message of its own
LARGE = 1 << 16


class ProcessGroup:
    """A group of one: nothing to agree on.

    Attributes:
        rank: Number of this process.
        size: Processes of the group.
    """

    rank, size = 0, 1

    @property
    def leads(self) -> bool:
        """Whether this process evaluates, reports and writes."""
        return self.rank == 0

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Add up the gradients of all ranks."""

    def sum(self, tensor: torch.Tensor) -> torch.Tensor:
        """The sum over all ranks; what was given may be written over."""
        return tensor

    def agreed(self, value: Any) -> Any:
        """The value of the first rank."""
        return value

    def wait(self) -> None:
        """Until all ranks are here."""


class DistributedGroup(ProcessGroup):
    """Processes that accelerate has brought together, by the environment that `torchrun` sets too."""

    def __init__(self, *, cpu: bool) -> None:
        from accelerate import PartialState

        self._state = PartialState(cpu=cpu, timeout=TIMEOUT)
        self.rank, self.size = self._state.process_index, self._state.num_processes

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Large ones where they lie, the small ones in one message: a copy of all costs more than the sums do.

        A rank without rows, or a layer that its rows did not reach, adds zeros.
        """
        gradients = [_gradient_of(parameter) for parameter in parameters]
        # by their size alone, which is the same on all ranks
        under_way = [self._reduced(one, wait=False) for one in gradients if one.numel() >= LARGE]
        small = [one for one in gradients if one.numel() < LARGE]
        if small:
            flat = self.sum(torch.cat([one.flatten() for one in small]))
            for one, summed in zip(small, torch.split(flat, [one.numel() for one in small]), strict=True):
                one.copy_(summed.view_as(one))
        for work in under_way:
            work.wait()

    def sum(self, tensor: torch.Tensor) -> torch.Tensor:
        """As the base says; the tensor itself becomes it."""
        self._reduced(tensor)
        return tensor

    def _reduced(self, tensor: torch.Tensor, *, wait: bool = True) -> Any:
        # a PyTorch that is built without it has no group of several
        from torch.distributed import all_reduce

        return all_reduce(tensor, async_op=not wait)

    def agreed(self, value: Any) -> Any:
        """As the base says."""
        from accelerate.utils import broadcast_object_list

        return broadcast_object_list([value])[0]

    def wait(self) -> None:
        """As the base says."""
        self._state.wait_for_everyone()


def _gradient_of(parameter: nn.Parameter) -> torch.Tensor:
    """In the layout that messages take."""
    if parameter.grad is None:
        parameter.grad = torch.zeros_like(parameter)
    parameter.grad = parameter.grad.contiguous()
    return parameter.grad


def rank_environment(rank: int, size: int, port: int) -> dict[str, str]:
    """What `torchrun` would set on one machine."""
    return {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(size),
        "LOCAL_WORLD_SIZE": str(size),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
