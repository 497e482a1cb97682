"""One forward pass for several LoRA trials: the frozen base runs once, each trial's own layers on its own rows."""

import copy
from typing import Any

import torch
from torch import nn

from slimtune.training.engine.slots.pass_buffers import PassBuffers
from slimtune.training.engine.slots.segments import SegmentTable
from slimtune.training.engine.slots.slot_bank import SlotBank
from slimtune.training.methods.modules import replace_module, silence_dropout
from slimtune.training.methods.quantized import is_4bit
from slimtune.training.methods.stacked_lora import LowRank, Whole, stacked_lora, stacked_whole
from slimtune.training.models.loading import Base


class _Pass:
    """The pass that is under way: whose rows are whose, and what is each trial's own."""

    def __init__(self, anchor: torch.Tensor) -> None:
        self.anchor = anchor
        self.table = SegmentTable((), 0, ())
        self.buffers: PassBuffers | None = None
        # segments of the rows that a layer gets, inside a module that takes one trial's after another's
        self.part: slice | None = None

    @property
    def num_rows(self) -> int:
        """That a layer gets."""
        segments = self.table.slots_K[self.part] if self.part is not None else self.table.slots_K
        return len(segments) * self.table.rows


class PackedLoraModel:
    """The base with room for the parts of several trials."""

    def __init__(self, base: Base) -> None:
        # every tensor is the base's own
        self.model: Any = copy.deepcopy(base.model, {id(tensor): tensor for tensor in base.model.parameters()})
        silence_dropout(self.model)
        self.model.requires_grad_(requires_grad=False)
        self.model.train()
        device = next(self.model.parameters()).device
        self._pass = _Pass(torch.zeros((), device=device, requires_grad=True))
        self._bank: SlotBank | None = None
        self._looped: dict[str, nn.Module] = {}
        for name, part in list(self.model.named_modules()):
            if type(part) is nn.Linear or (isinstance(part, nn.Linear) and is_4bit(part)):
                replace_module(self.model, name, _PackedLinear(name, part, self._pass))

    def bind(self, bank: SlotBank) -> None:
        """Take the trials of a bank in, and forget those before."""
        for name, shared in self._looped.items():
            replace_module(self.model, name, shared)
        self._looped = {name: self.model.get_submodule(name) for name in bank.looped}
        for name, shared in self._looped.items():
            replace_module(self.model, name, _PackedWhole(name, shared, self._pass, bank))
        self._bank = bank

    def room(self, table: SegmentTable, dtype: torch.dtype | None = None) -> PassBuffers:
        """Where a pass over these rows has what is each trial's own.

        Args:
            table: The trials by their slots in the bank.
            dtype: What is each trial's own is multiplied in it; None is as it is stored.
        """
        assert self._bank is not None
        return self._bank.buffers(table, dtype or self._bank.dtype)

    def begin(self, table: SegmentTable, buffers: PassBuffers) -> None:
        """Say whose rows the next batch has, and take the trials' weights as they are now."""
        assert self._bank is not None
        self._pass.table, self._pass.buffers = table, buffers
        self._bank.fill(buffers)

    def end(self) -> None:
        """After the backward pass: each trial gets its gradient."""
        assert self._bank is not None
        assert self._pass.buffers is not None
        self._bank.collect(self._pass.buffers)


class _PackedLinear(nn.Module):
    """A linear layer of the base: frozen, with low-rank updates, or a whole one for each trial."""

    def __init__(self, name: str, layer: nn.Linear, current: _Pass) -> None:
        super().__init__()
        # models look at a layer's weight, e.g. for its dtype
        self.weight, self.bias = layer.weight, layer.bias
        self._name = name
        self._layer, self._current = [layer], current

    @property
    def plain(self) -> nn.Linear | None:
        """The base's layer, if no trial of the pass has anything of its own here."""
        whole, own = self._own()
        return self._layer[0] if whole is None and own is None else None

    def _own(self) -> tuple[Whole | None, LowRank | None]:
        buffers = self._current.buffers
        if buffers is None:
            return None, None
        return buffers.whole.get(self._name), buffers.low_rank.get(self._name)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        whole, own = self._own()
        num_rows = self._current.num_rows
        if (own is not None or whole is not None) and num_rows != x.shape[0]:
            raise RuntimeError(f"a layer got {x.shape[0]} rows of a pass of {num_rows}")
        if whole is not None:
            return stacked_whole(x, whole, self._current.anchor)
        if own is not None and self._current.part is not None:
            own = own.part(self._current.part)
        return stacked_lora(x, self._layer[0], own, self._current.anchor)


class _PackedWhole(nn.Module):
    """Gives each trial's rows to its own module; rows of a trial without one go through the base's."""

    def __init__(self, name: str, shared: nn.Module, current: _Pass, bank: SlotBank) -> None:
        super().__init__()
        self.shared = shared
        # not registered: they are the trials' own
        self._name, self._current, self._bank = name, current, [bank]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        table = self._current.table
        slots = dict.fromkeys(table.slots_K)
        outputs, start = [], 0
        for slot, rows in zip(slots, torch.split(x, list(table.padded_sizes)), strict=True):
            count = len(rows) // table.rows
            self._current.part = slice(start, start + count)
            outputs.append(self._bank[0].parts(slot).whole.get(self._name, self.shared)(rows))
            start += count
        self._current.part = None
        return torch.cat(outputs)
