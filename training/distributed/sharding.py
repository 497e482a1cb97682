"""One trial's weights, gradients and moments shared out over its ranks: PyTorch's fully sharded data parallel."""

# Zhao et al. 2023, https://arxiv.org/abs/2304.11277; here in its second form, `torch.distributed.fsdp.fully_shard`

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from slimtune.training.errors import ConfigError
from slimtune.training.methods.modules import layer_stacks


def shard(model: nn.Module, device: torch.device, size: int) -> None:
    """Leave each rank its part of every weight, in place; a layer is whole while it computes. All ranks call it.

    Gradients are summed over the ranks, as `Ranks.sum_gradients` does.

    Args:
        model: The same on all ranks.
        device: Where it is.
        size: Number of ranks.

    Raises:
        ConfigError: This PyTorch is too old.
    """
    if not hasattr(FSDPModule, "reset_iter_state"):
        raise ConfigError([f"fit.fsdp is true, which takes a later PyTorch than {torch.__version__}; use false"])
    mesh = init_device_mesh(device.type, (size,))
    for layer in (layer for stack in layer_stacks(model) for layer in stack):
        fully_shard(layer, mesh=mesh)
    fully_shard(model, mesh=mesh)
    for part in _sharded(model):
        part.set_gradient_divide_factor(1.0)
        # gloo knows no factor in its sums
        part.set_force_sum_reduction_for_comms(True)


@contextmanager
def whole(model: nn.Module, *, here: bool) -> Iterator[None]:
    """The weights as ordinary tensors on the rank that says `here`; all ranks call it, and a model that is not
    sharded stays as it is.
    """
    parts = _sharded(model)
    for part in parts:
        part.unshard()
    if here:
        # they would be gathered anew for each batch, with ranks that do not run it
        _keep_whole(parts, kept=True)
        yield
        # an error ends the trial
        _keep_whole(parts, kept=False)
        for root in parts[:1]:
            # it has noted in which order layers ran, to gather them ahead; the other ranks ran none
            root.reset_iter_state()
    else:
        yield
    for part in parts:
        part.reshard()


def gathered(tensor: torch.Tensor, *, here: bool) -> torch.Tensor:
    """All of a shared out tensor, on the CPU; empty on ranks that do not need it. All ranks call it."""
    if not isinstance(tensor, DTensor):
        return tensor
    full = tensor.full_tensor()
    return full.cpu() if here else full.new_empty(0)


def shared_out(tensor: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """This rank's part of a tensor, cut as the other one is; every rank has all of it."""
    if not isinstance(like, DTensor) or tensor.shape != like.shape:
        return tensor
    return distribute_tensor(tensor.to(like.device), like.device_mesh, like.placements, src_data_rank=None)


def local_part(tensor: torch.Tensor) -> torch.Tensor:
    """What this rank holds of a tensor."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def _sharded(model: nn.Module) -> list[Any]:
    """The parts that are sharded by themselves, the model first."""
    return [part for part in model.modules() if isinstance(part, FSDPModule)]


def _keep_whole(parts: list[Any], *, kept: bool) -> None:
    """The model itself is left to PyTorch, which gathers its own weights once a pass."""
    for layer in parts[1:]:
        layer.set_reshard_after_forward(not kept, recurse=False)
