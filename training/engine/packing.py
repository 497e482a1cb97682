"""Gradients of several trials from one pass over the frozen base, or of each from a pass of its own."""

import logging
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import nn

from slimtune.training.config.fit import Precision
from slimtune.training.data.batching import Batch
from slimtune.training.engine.graphs.buckets import bucket_length
from slimtune.training.engine.graphs.static_batch import WEIGHTS, batch_of, pass_inputs, shapes_of
from slimtune.training.engine.graphs.static_calls import CudaGraphs, Outputs, StaticCalls, Tensors, run_directly
from slimtune.training.engine.packed_lora import PackedLoraModel
from slimtune.training.engine.pass_grouping import PASS_SIZES, Shape, group_passes
from slimtune.training.engine.slots.joined_batch import joined_batch, parts_by_trial, rows_by_trial
from slimtune.training.engine.slots.pass_buffers import PassBuffers
from slimtune.training.engine.slots.segments import SegmentTable, segment_table
from slimtune.training.engine.slots.slot_bank import Member, SlotBank
from slimtune.training.engine.slots.trained_parts import TrainedParts, parts_of
from slimtune.training.engine.trainer import TrialTrainer
from slimtune.training.errors import is_out_of_memory
from slimtune.training.hardware.memory import empty_cache
from slimtune.training.tasks.fused_loss.pass_output import pass_output

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
        self._calls: StaticCalls | None = None
        self._capturer = CudaGraphs()
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
            # what was captured holds the base and the bank
            self._packed = self._calls = None
            self._bound = []

    def _bound_model(self) -> PackedLoraModel:
        """The base with all trials in it; made when the first pass is taken."""
        first = next(iter(self._parts))
        if self._packed is None:
            self._packed = PackedLoraModel(first.bench.base)
        if self._bank is None:
            members = [Member(parts, trainer.stepper) for trainer, parts in self._parts.items()]
            if first.graphs.is_static:
                # one pool of memory for all banks; those captured before are gone with their bank
                capturer = self._capturer if first.graphs.reason is None else None
                self._calls = StaticCalls(capturer)
                for trainer in self._parts:
                    trainer.graph_records += (self._calls.record,)
            else:
                self._calls = None
            self._bank, self._bound = SlotBank(members, self._calls), list(self._parts)
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
        device = first.resources.device
        lengthen = bucket_length if first.graphs.is_static else None
        pad_id = first.bench.tokenizer.pad_token_id
        joined = joined_batch(batches, table, pad_id=pad_id, device=device, lengthen=lengthen)
        inputs = pass_inputs(joined, [trainer.stepper.weight for trainer in trainers])
        buffers = packed.room(table, first.resources.compute_dtype)
        run = self._calls.run if self._calls is not None else run_directly
        left = min(trainer.stepper.steps_left for trainer in trainers)
        work = partial(_gradients, _PassOf(packed, buffers, table, tuple(trainers)))
        losses = run("pass", (table, shapes_of(inputs)), work, inputs, left=left)
        for trainer, nats, batch, padded in zip(trainers, losses, batches, table.padded_sizes, strict=True):
            trainer.stepper.took(nats, batch.num_examples)
            trainer.stepper.filled += padded * joined.input_ids_BT.shape[1]


class _PassOf(NamedTuple):
    """Whose pass it is; what it is taken in is kept as long as it may be taken again."""

    packed: PackedLoraModel
    buffers: PassBuffers
    table: SegmentTable
    trainers: tuple[TrialTrainer, ...]


def _gradients(of: _PassOf, inputs: Tensors) -> Outputs:
    """Add each trial's gradient to its own, of each trial's own mean; its summed loss in nats."""
    joined = batch_of(inputs)
    of.packed.begin(of.table, of.buffers)
    outputs = rows_by_trial(_output(of.trainers, of.packed.model, joined), of.table)
    losses = [
        trainer.loss(own, part).nats
        for trainer, part, own in zip(of.trainers, parts_by_trial(joined, of.table), outputs, strict=True)
    ]
    torch.autograd.backward([nats / weight for nats, weight in zip(losses, inputs[WEIGHTS], strict=True)])
    of.packed.end()
    return tuple(nats.detach() for nats in losses)


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
    elif trainer.graphs.is_static:
        _static_gradients(trainer)
    else:
        batch = trainer.micro_batch()
        trainer.stepper.filled += batch.input_ids_BT.numel()
        trainer.share_of(_output([trainer], trainer.model, batch), batch).backward()  # type: ignore[no-untyped-call]


def _static_gradients(trainer: TrialTrainer) -> None:
    """The same of a batch whose rows are filled up to a bucket's length, by work that can become a graph."""
    batch = trainer.rows_as_batch()
    table = segment_table([0], [len(batch)])
    joined = joined_batch(
        [batch],
        table,
        pad_id=trainer.bench.tokenizer.pad_token_id,
        device=trainer.resources.device,
        lengthen=bucket_length,
    )
    inputs, stepper = pass_inputs(joined, [trainer.stepper.weight]), trainer.stepper
    if trainer.calls is None:
        trainer.calls = StaticCalls(CudaGraphs() if trainer.graphs.reason is None else None)
        trainer.graph_records += (trainer.calls.record,)
    work = partial(_own_gradients, trainer)
    nats, *gradients = trainer.calls.run("pass", shapes_of(inputs), work, inputs, left=stepper.steps_left)
    stepper.took(nats, batch.num_examples)
    stepper.filled += joined.input_ids_BT.numel()
    reached = [one for index, one in enumerate(stepper.trained) if index not in trainer.unreached]
    for parameter, gradient in zip(reached, gradients, strict=True):
        if parameter.grad is not None:
            parameter.grad.add_(gradient)
        else:
            # fused optimizers go through memory and not by shape
            same = gradient.stride() == parameter.stride()
            parameter.grad = gradient if same else torch.empty_like(parameter).copy_(gradient)


def _own_gradients(trainer: TrialTrainer, inputs: Tensors) -> Outputs:
    """The summed loss in nats, and the gradient of its mean by each trained parameter that it reaches."""
    batch = batch_of(inputs)
    nats = trainer.loss(_output([trainer], trainer.model, batch), batch).nats
    gradients = torch.autograd.grad(nats / inputs[WEIGHTS][0], trainer.stepper.trained, allow_unused=True)
    trainer.unreached = frozenset(index for index, one in enumerate(gradients) if one is None)
    return nats.detach(), *(one for one in gradients if one is not None)


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


def _output(trainers: Sequence[TrialTrainer], model: nn.Module, batch: Batch) -> torch.Tensor:
    """What the trials' losses are taken of."""
    smoothings = {trainer.label_smoothing for trainer in trainers}
    first = trainers[0]
    with first.resources.autocast():
        # nats are of one smoothing
        if len(smoothings) > 1:
            return first.bench.task.logits(model, batch)
        return pass_output(first.bench.task, model, batch, label_smoothing=smoothings.pop())


def packable(trainer: TrialTrainer) -> TrainedParts | None:
    """The trial's own layers, or None if it must run alone: what draws from the global generator at its own batch
    shape (dropout), what trains shared weights, a gradient scale of its own, a loss that couples rows, or an optimizer
    that reads memory and not shapes: bitsandbytes', whose moments would be those of other weights in a bank.
    """
    alone = trainer.resources.precision is Precision.fp16 or trainer.bench.task.couples_rows or not trainer.may_share
    alone |= not isinstance(trainer.stepper.optimizer, torch.optim.AdamW | torch.optim.Adafactor)
    return None if alone else parts_of(trainer.model)
