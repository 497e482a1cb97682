"""Gradients of several trials from one pass over the frozen base, or of each from a pass of its own."""

import itertools
import logging
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.functional import pad

from slimtune.training.config.fit import Precision
from slimtune.training.data.batching import IGNORED, Batch, pad_of
from slimtune.training.engine.packed_lora import PackedLoraModel, Segment, TrainedParts, parts_of
from slimtune.training.engine.pass_grouping import PASS_SIZES, Shape, group_passes
from slimtune.training.engine.trainer import TrialTrainer
from slimtune.training.errors import is_out_of_memory
from slimtune.training.hardware.memory import empty_cache

log = logging.getLogger(__name__)

# fewer rows of each would make passes of overhead only
LEAST_ROWS = 8


class Packing:
    """The trials that may share passes; all on one workbench."""

    def __init__(self) -> None:
        self._next_key = itertools.count()
        self._keys: dict[TrialTrainer, int] = {}
        self._parts: dict[TrialTrainer, TrainedParts] = {}
        self._packed: PackedLoraModel | None = None

    def join(self, trainer: TrialTrainer, parts: TrainedParts) -> None:
        """Let a trial share passes with the others."""
        self._keys[trainer], self._parts[trainer] = next(self._next_key), parts
        if self._packed is not None:
            self._packed.join(self._keys[trainer], parts)

    def leave(self, trainer: TrialTrainer) -> None:
        """Forget a trial; with the last one goes the base."""
        if self._packed is not None:
            self._packed.leave(self._keys[trainer])
        del self._keys[trainer], self._parts[trainer]
        if not self._keys:
            self._packed = None

    def _model(self, trainers: Sequence[TrialTrainer]) -> PackedLoraModel:
        """Made when the first pass is shared: one trial needs none."""
        if self._packed is None:
            self._packed = PackedLoraModel(trainers[0].bench.base)
            for trainer, key in self._keys.items():
                self._packed.join(key, self._parts[trainer])
        return self._packed

    def gradients(self, trainers: Sequence[TrialTrainer]) -> list[list[TrialTrainer]]:
        """Add the gradient of the next rows of each trial to its parameters.

        Each gives as many rows as the one of the smallest batch, so that all see examples at one pace and are pruned
        by what they have learned and not by who comes first. Trials that fit into one pass go through the base at once,
        each with its own layers on its own rows: what comes out is what each would get alone, up to rounding. One
        whose loss is not finite spoils its own gradients only.

        Args:
            trainers: All on the workbench of the first.

        Returns:
            Who shared a pass.
        """
        most = max(LEAST_ROWS, min(trainer.rows_at_once for trainer in trainers))
        batches = [trainer.micro_batch(most) for trainer in trainers]
        shapes = [Shape(*batch.input_ids_BT.shape) for batch in batches]
        groups = group_passes(shapes, PASS_SIZES[trainers[0].resources.device.type])
        for group in groups:
            self._one_pass([trainers[index] for index in group], [batches[index] for index in group])
        return [[trainers[index] for index in group] for group in groups]

    def _one_pass(self, trainers: Sequence[TrialTrainer], batches: Sequence[Batch]) -> None:
        if len(trainers) == 1:
            _backward(trainers[0], batches[0])
            return
        packed = self._model(trainers)
        joined = _joined(batches, pad_id=trainers[0].bench.tokenizer.pad_token_id)
        sizes = [len(batch) for batch in batches]
        packed.set_segments([Segment(self._keys[trainer], size) for trainer, size in zip(trainers, sizes, strict=True)])
        logits = torch.split(_logits(trainers[0], packed.model, joined), sizes)
        ends = list(itertools.accumulate(sizes))
        parts = [joined.part(slice(end - size, end)) for end, size in zip(ends, sizes, strict=True)]
        # each trial's own mean: their sum gives each its own gradient
        torch.autograd.backward(
            [trainer.share_of(own, part) for trainer, part, own in zip(trainers, parts, logits, strict=True)]
        )


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
    if not trainer.idle:
        _backward(trainer, trainer.micro_batch())


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


def _backward(trainer: TrialTrainer, batch: Batch) -> None:
    trainer.share_of(_logits(trainer, trainer.model, batch), batch).backward()  # type: ignore[no-untyped-call]


def _logits(trainer: TrialTrainer, model: nn.Module, batch: Batch) -> torch.Tensor:
    with trainer.resources.autocast():
        return trainer.bench.task.logits(model, batch)


def packable(trainer: TrialTrainer) -> TrainedParts | None:
    """The trial's own layers, or None if it must run alone: what draws from the global generator at its own batch
    shape (dropout), what trains shared weights, a gradient scale of its own, or a loss that couples rows.
    """
    alone = trainer.resources.precision is Precision.fp16 or trainer.bench.task.couples_rows or not trainer.may_share
    return None if alone else parts_of(trainer.model)


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
