"""Where in a trial's row of a slot bank each of its tensors lies."""

# R rank, I input features, O output features

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import nn

from slimtune.training.engine.slots.trained_parts import TrainedParts

DOWN, UP = ".down", ".up"
# elements that a tensor's place is a multiple of: 16 bytes in any precision that a matrix product asks for
ALIGNED = 8


class Owned(NamedTuple):
    """A trained tensor of a trial.

    Attributes:
        key: By which it is the same layer's in all trials.
        parameter: The trial's own.
        scale: What it is multiplied with where it is used.
    """

    key: str
    parameter: nn.Parameter
    scale: float = 1.0

    @property
    def is_low_rank(self) -> bool:
        """Whether its first dimension, in the bank, is a rank and may differ from trial to trial."""
        return self.key.endswith((DOWN, UP))

    @property
    def shape(self) -> tuple[int, ...]:
        """In the bank: LoRA's B lies transposed, its rank first."""
        shape = tuple(self.parameter.shape)
        return shape[::-1] if self.key.endswith(UP) else shape


class Region(NamedTuple):
    """A tensor's place in a row.

    Attributes:
        start: Elements before it.
        shape: Of the tensor, at the largest rank.
    """

    start: int
    shape: tuple[int, ...]

    @property
    def stop(self) -> int:
        """The element after it."""
        return self.start + math.prod(self.shape)

    def of(self, rows: torch.Tensor) -> torch.Tensor:
        """The tensor in each of the rows (..., P), a view of them."""
        return rows[..., self.start : self.stop].view(*rows.shape[:-1], *self.shape)

    def own(self, row_P: torch.Tensor, owned: Owned) -> torch.Tensor:
        """A trial's tensor in its row, in its own shape; a view."""
        tensor = self.of(row_P)
        if not owned.is_low_rank:
            return tensor
        part = tensor[: owned.shape[0]]
        return part.t() if owned.key.endswith(UP) else part


class BankLayout(NamedTuple):
    """The places of all tensors that some trial has, and the length P of a row."""

    regions: Mapping[str, Region]
    size: int


def owned_by(parts: TrainedParts) -> list[Owned]:
    """All that a trial trains, each tensor once."""
    found: dict[int, Owned] = {}
    for name, adapter in parts.adapters.items():
        plain = adapter.plain_adapter()
        assert plain is not None
        for one in (Owned(name + DOWN, plain.down_RI), Owned(name + UP, plain.up_OR, plain.scale)):  # type: ignore[arg-type]
            found.setdefault(id(one.parameter), one)
    for name, whole in parts.whole.items():
        for inner, parameter in trained_module(whole).named_parameters():
            found.setdefault(id(parameter), Owned(f"{name}.{inner}", parameter))
    return list(found.values())


def trained_module(whole: nn.Module) -> nn.Module:
    """The trial's own module in peft's wrapper."""
    wrapper: nn.Module = whole
    modules: nn.ModuleDict = wrapper.modules_to_save  # type: ignore[assignment]
    return modules[str(wrapper.active_adapter)]


def layout_of(trials: Iterable[Sequence[Owned]]) -> BankLayout:
    """Room for every tensor of every trial, at the largest rank that one of them has."""
    shapes: dict[str, tuple[int, ...]] = {}
    for one in (one for trial in trials for one in trial):
        known = shapes.get(one.key, one.shape)
        shapes[one.key] = (max(known[0], one.shape[0]), *known[1:]) if one.is_low_rank else one.shape
    regions, start = {}, 0
    for key, shape in shapes.items():
        regions[key] = Region(start, shape)
        start = -(-regions[key].stop // ALIGNED) * ALIGNED
    return BankLayout(regions, start)
