"""Gradients of several trials from one pass over the frozen base, or of each from a pass of its own."""

import itertools
import logging
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.functional import pad

from slimtune.training.config.fit import Precision
from slimtune.training.data.batching import IGNORED, Batch, pad_of
from slimtune.training.engine.packed_lora import PackedModel, Parts, Seat, parts_of
from slimtune.training.engine.pass_grouping import PASS_SIZES, Shape, group_passes
from slimtune.training.engine.trainer import Slot
from slimtune.training.hardware.device import autocast, empty_cache, is_out_of_memory

log = logging.getLogger(__name__)

# fewer rows of each would make passes of overhead only
LEAST_ROWS = 8


class Pack:
    """The slots that may share passes; all on one workbench."""

    def __init__(self) -> None:
        self._keys = itertools.count()
        self._seats: dict[Slot, int] = {}
        self._parts: dict[Slot, Parts] = {}
        self._packed: PackedModel | None = None

    def join(self, slot: Slot, parts: Parts) -> None:
        """Let a slot share passes with the others."""
        self._seats[slot], self._parts[slot] = next(self._keys), parts
        if self._packed is not None:
            self._packed.join(self._seats[slot], parts)

    def leave(self, slot: Slot) -> None:
        """Forget a slot; with the last one goes the base."""
        if self._packed is not None:
            self._packed.leave(self._seats[slot])
        del self._seats[slot], self._parts[slot]
        if not self._seats:
            self._packed = None

    def _model(self, slots: Sequence[Slot]) -> PackedModel:
        """Made when the first pass is shared: one slot needs none."""
        if self._packed is None:
            self._packed = PackedModel(slots[0].bench.base)
            for slot, key in self._seats.items():
                self._packed.join(key, self._parts[slot])
        return self._packed

    def gradients(self, slots: Sequence[Slot]) -> list[list[Slot]]:
        """Add the gradient of the next rows of each slot to its parameters.

        Each gives as many rows as the one of the smallest batch, so that all see examples at one pace and are pruned
        by what they have learned and not by who comes first. Slots that fit into one pass go through the base at once,
        each with its own layers on its own rows: what comes out is what each would get alone, up to rounding. One
        whose loss is not finite spoils its own gradients only.

        Args:
            slots: All on the workbench of the first.

        Returns:
            Who shared a pass.
        """
        most = max(LEAST_ROWS, min(slot.rows_at_once for slot in slots))
        batches = [slot.micro_batch(most) for slot in slots]
        shapes = [Shape(*batch.input_ids_BT.shape) for batch in batches]
        groups = group_passes(shapes, PASS_SIZES[slots[0].resources.device.type])
        for group in groups:
            self._one_pass([slots[index] for index in group], [batches[index] for index in group])
        return [[slots[index] for index in group] for group in groups]

    def _one_pass(self, slots: Sequence[Slot], batches: Sequence[Batch]) -> None:
        if len(slots) == 1:
            _backward(slots[0], batches[0])
            return
        packed = self._model(slots)
        joined = _joined(batches, pad_id=slots[0].bench.tokenizer.pad_token_id)
        sizes = [len(batch) for batch in batches]
        packed.seat([Seat(self._seats[slot], size) for slot, size in zip(slots, sizes, strict=True)])
        logits = torch.split(_logits(slots[0], packed.model, joined), sizes)
        ends = list(itertools.accumulate(sizes))
        parts = [joined.part(slice(end - size, end)) for end, size in zip(ends, sizes, strict=True)]
        # each trial's own mean: their sum gives each its own gradient
        torch.autograd.backward(
            [slot.share_of(own, part) for slot, part, own in zip(slots, parts, logits, strict=True)]
        )


def pack_of(slots: Sequence[Slot]) -> Pack:
    """A pack that all the slots have joined; each must be packable."""
    pack = Pack()
    for slot in slots:
        parts = packable(slot)
        assert parts is not None
        pack.join(slot, parts)
    return pack


def gradients_alone(slot: Slot) -> None:
    """Add the gradient of the slot's next micro-batch to its parameters, if it has rows of the batch."""
    if not slot.idle:
        _backward(slot, slot.micro_batch())


def gradients_that_fit(slot: Slot) -> bool:
    """The same; False if memory was too small, and the slot takes its batch anew with half of the rows at once."""
    try:
        gradients_alone(slot)
    except Exception as error:
        if not is_out_of_memory(error) or not slot.halve():
            raise
        log.warning("trial %d: %d rows at once from now on (%s)", slot.number, slot.rows_at_once, error)
    else:
        return True
    # outside of the handler, whose traceback holds the tensors of the pass
    empty_cache()
    return False


def _backward(slot: Slot, batch: Batch) -> None:
    slot.share_of(_logits(slot, slot.model, batch), batch).backward()  # type: ignore[no-untyped-call]


def _logits(slot: Slot, model: nn.Module, batch: Batch) -> torch.Tensor:
    with autocast(slot.resources):
        return slot.bench.task.logits(model, batch)


def packable(slot: Slot) -> Parts | None:
    """The slot's own layers, or None if it must run alone: what draws from the global generator at its own batch
    shape (dropout), what trains shared weights, a gradient scale of its own, or a loss that couples rows.
    """
    alone = slot.resources.precision is Precision.fp16 or slot.bench.task.couples_rows or not slot.may_share
    return None if alone else parts_of(slot.model)


def _joined(batches: Sequence[Batch], *, pad_id: int) -> Batch:
    """One batch of all rows, padded to the longest."""
    names = batches[0].inputs
    inputs = {name: _stacked([batch.inputs[name] for batch in batches], pad_of(name, pad_id)) for name in names}
    labels = _stacked([batch.labels for batch in batches], IGNORED)
    kept = [batch.kept_K for batch in batches if batch.kept_K is not None]
    return Batch(inputs, labels, torch.unique(torch.cat(kept)) if kept else None)


def _stacked(tensors: Sequence[torch.Tensor], value: int) -> torch.Tensor:
    if tensors[0].ndim == 1:
        return torch.cat(list(tensors))
    longest = max(tensor.shape[1] for tensor in tensors)
    return torch.cat([pad(tensor, (0, longest - tensor.shape[1]), value=value) for tensor in tensors])
