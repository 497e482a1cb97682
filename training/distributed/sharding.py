"""One trial's weights, gradients and moments shared out over its ranks: PyTorch's fully sharded data parallel."""

# Zhao et al. 2023, https://arxiv.org/abs/2304.11277; here in its second form, `torch.distributed.fsdp.fully_shard`

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from slimtune.training.errors import ConfigError
from slimtune.training.methods.modules import layer_stacks


def check_shards() -> None:
    """Whether this PyTorch shares weights out as it is asked here.

    Raises:
        ConfigError: It is too old.
    """
    from torch.distributed.fsdp import FSDPModule

    if not hasattr(FSDPModule, "reset_iter_state"):
        raise ConfigError([f"fit.fsdp is true, which takes a later PyTorch than {torch.__version__}; use false"])


def shard(model: nn.Module, device: torch.device, size: int) -> None:
    """Leave each rank its part of every weight, in place; a layer is whole while it computes. All ranks call it.

    Gradients are summed over the ranks, as `ProcessGroup.sum_gradients` does.

    Args:
        model: The same on all ranks.
        device: Where it is.
        size: Number of ranks.

    Raises:
        ConfigError: This PyTorch is too old.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    check_shards()
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


def is_shared_out(tensor: Any) -> bool:
    """Whether a tensor is a rank's part of a larger one; none is before PyTorch's module for them is imported."""
    loaded: Any = sys.modules.get("torch.distributed.tensor")
    return loaded is not None and isinstance(tensor, loaded.DTensor)


def gathered(tensor: Any, *, here: bool) -> torch.Tensor:
    """All of a shared out tensor, on the CPU; empty on ranks that do not need it. All ranks call it."""
    result: torch.Tensor = tensor
    if is_shared_out(tensor):
        full = tensor.full_tensor()
        result = full.cpu() if here else full.new_empty(0)
    return result


def shared_out(tensor: torch.Tensor, like: Any) -> torch.Tensor:
    """This rank's part of a tensor, cut as the other one is; every rank has all of it."""
    if not is_shared_out(like) or tensor.shape != like.shape:
        return tensor
    from torch.distributed.tensor import distribute_tensor

    return distribute_tensor(tensor.to(like.device), like.device_mesh, like.placements, src_data_rank=None)


def local_part(tensor: Any) -> torch.Tensor:
    """What this rank holds of a tensor."""
    local: torch.Tensor = tensor.to_local() if is_shared_out(tensor) else tensor
    return local


def _sharded(model: nn.Module) -> list[Any]:
    """The parts that are sharded by themselves, the model first."""
    loaded: Any = sys.modules.get("torch.distributed.fsdp")
    return [] if loaded is None else [part for part in model.modules() if isinstance(part, loaded.FSDPModule)]


def _keep_whole(parts: list[Any], *, kept: bool) -> None:
    """The model itself is left to PyTorch, which gathers its own weights once a pass."""
    for layer in parts[1:]:
        layer.set_reshard_after_forward(not kept, recurse=False)
