"""The processes that train one trial together, each on its own rows; alone is a group of one."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import torch
from torch import nn

# a rank waits while the first one evaluates; one that died is noticed by the rank launcher
TIMEOUT = timedelta(hours=12)


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
        """The sum over all ranks."""
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
        """One message for all; a rank without rows, or a layer that its rows did not reach, adds zeros."""
        trained = list(parameters)
        for parameter in trained:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        gradients = [parameter.grad for parameter in trained if parameter.grad is not None]
        flat = self.sum(torch.cat([gradient.flatten() for gradient in gradients]))
        parts = torch.split(flat, [gradient.numel() for gradient in gradients])
        for gradient, summed in zip(gradients, parts, strict=True):
            gradient.copy_(summed.view_as(gradient))

    def sum(self, tensor: torch.Tensor) -> torch.Tensor:
        """As the base says."""
        from accelerate.utils import reduce

        summed: torch.Tensor = reduce(tensor, reduction="sum")
        return summed

    def agreed(self, value: Any) -> Any:
        """As the base says."""
        from accelerate.utils import broadcast_object_list

        return broadcast_object_list([value])[0]

    def wait(self) -> None:
        """As the base says."""
        self._state.wait_for_everyone()


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
