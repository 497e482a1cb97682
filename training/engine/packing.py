"""Gradients of several trials from one pass over the frozen base, or of each from a pass of its own."""

import logging
from collections.abc import Sequence

import torch
from torch import nn

from slimtune.training.config.fit import Precision
from slimtune.training.data.batching import Batch
from slimtune.training.engine.packed_lora import PackedLoraModel
from slimtune.training.engine.pass_grouping import PASS_SIZES, Shape, group_passes
from slimtune.training.engine.slots.joined_batch import joined_batch, own_parts, rows_of_each
from slimtune.training.engine.slots.segments import segment_table
from slimtune.training.engine.slots.slot_bank import Member, SlotBank
from slimtune.training.engine.slots.trained_parts import TrainedParts, parts_of
from slimtune.training.engine.trainer import TrialTrainer
from slimtune.training.errors import is_out_of_memory
from slimtune.training.hardware.memory import empty_cache

log = logging.getLogger(__name__)


class Packing:
    """The trials that may share passes; all on one workbench.

    Their weights, gradients and moments lie stacked in a bank while they share passes; it is made anew when a trial
    joins or leaves.
    """

    def __init__(self) -> None:
        self._parts: dict[TrialTrainer, TrainedParts] = {}
        self._packed: PackedLoraModel | None = None
        self._bank: SlotBank | None = None
        # by slot
        self._bound: list[TrialTrainer] = []

    def join(self, trainer: TrialTrainer, parts: TrainedParts) -> None:
        """Let a trial share passes with the others."""
        self._parts[trainer] = parts
        trainer.packing = self
        self._bank = None

    def leave(self, trainer: TrialTrainer) -> None:
        """Forget a trial; with the last one goes the base."""
        if self._bank is not None:
            self._bank.release(self._bound.index(trainer))
        self._bank = None
        del self._parts[trainer]
        trainer.packing = None
        if not self._parts:
            self._packed = None
            self._bound = []

    def _bound_model(self) -> PackedLoraModel:
        """The base with all trials in it; made when the first pass is taken."""
        first = next(iter(self._parts))
        if self._packed is None:
            self._packed = PackedLoraModel(first.bench.base)
        if self._bank is None:
            members = [Member(parts, trainer.stepper) for trainer, parts in self._parts.items()]
            self._bank, self._bound = SlotBank(members), list(self._parts)
            self._packed.bind(self._bank)
        return self._packed

    def gradients(self, trainers: Sequence[TrialTrainer]) -> list[list[TrialTrainer]]:
        """Add the gradient of the next micro-batch of each trial to its parameters.

        Each brings a batch of its own size. Trials that fit into one pass go through the base at once, each with its
        own layers on its own rows: what comes out is what each would get alone, up to rounding. One whose loss is not
        finite spoils its own gradients only.

        Args:
            trainers: Some of those that have joined.

        Returns:
            Who shared a pass.
        """
        packed = self._bound_model()
        ordered = sorted(trainers, key=self._bound.index)
        batches = [trainer.rows_as_batch() for trainer in ordered]
        shapes = [Shape(*batch.input_ids_BT.shape) for batch in batches]
        groups = group_passes(shapes, PASS_SIZES[ordered[0].resources.device.type])
        for group in groups:
            self._one_pass(packed, [ordered[index] for index in group], [batches[index] for index in group])
        return [[ordered[index] for index in group] for group in groups]

    def _one_pass(self, packed: PackedLoraModel, trainers: Sequence[TrialTrainer], batches: Sequence[Batch]) -> None:
        first = trainers[0]
        slots = [self._bound.index(trainer) for trainer in trainers]
        table = segment_table(slots, [len(batch) for batch in batches])
        joined = joined_batch(batches, table, pad_id=first.bench.tokenizer.pad_token_id, device=first.resources.device)
        packed.begin(table, first.resources.compute_dtype)
        logits = rows_of_each(_logits(first, packed.model, joined), table)
        parts = own_parts(joined, table)
        # each trial's own mean: their sum gives each its own gradient
        torch.autograd.backward(
            [trainer.share_of(own, part) for trainer, part, own in zip(trainers, parts, logits, strict=True)]
        )
        packed.end()


def packing_of(trainers: Sequence[TrialTrainer]) -> Packing:
    """A packing that all the trials have joined; each must be packable."""
    packing = Packing()
    for trainer in trainers:
        parts = packable(trainer)
        assert parts is not None
        packing.join(trainer, parts)
    return packing


def gradients_alone(trainer: TrialTrainer) -> None:
    """Add the gradient of the trial's next micro-batch to its parameters, if it has rows of the batch."""
    if trainer.idle:
        return
    if trainer.packing is not None:
        trainer.packing.gradients([trainer])
    else:
        batch = trainer.micro_batch()
        trainer.share_of(_logits(trainer, trainer.model, batch), batch).backward()  # type: ignore[no-untyped-call]


def gradients_that_fit(trainer: TrialTrainer) -> bool:
    """The same; False if memory was too small, and the trial takes its batch anew with half of the rows at once."""
    try:
        gradients_alone(trainer)
    except Exception as error:
        if not is_out_of_memory(error) or not trainer.halve():
            raise
        log.warning("trial %d: %d rows at once from now on (%s)", trainer.number, trainer.rows_at_once, error)
    else:
        return True
    # outside of the handler, whose traceback holds the tensors of the pass
    empty_cache()
    return False


def _logits(trainer: TrialTrainer, model: nn.Module, batch: Batch) -> torch.Tensor:
    with trainer.resources.autocast():
        return trainer.bench.task.logits(model, batch)


def packable(trainer: TrialTrainer) -> TrainedParts | None:
    """The trial's own layers, or None if it must run alone: what draws from the global generator at its own batch
    shape (dropout), what trains shared weights, a gradient scale of its own, or a loss that couples rows.
    """
    alone = trainer.resources.precision is Precision.fp16 or trainer.bench.task.couples_rows or not trainer.may_share
    return None if alone else parts_of(trainer.model)
