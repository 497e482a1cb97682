"""A batch as tensors by name, and back: what a captured step reads."""

from collections.abc import Mapping, Sequence

import torch

from slimtune.training.data.batching import Batch

LABELS, KEPT, WEIGHTS = "batch.labels", "batch.kept", "batch.weights"


def pass_inputs(batch: Batch, weights: Sequence[float]) -> dict[str, torch.Tensor]:
    """All that a pass reads, on the device.

    Args:
        batch: Of one trial or of several.
        weights: What the whole batch of each trial counts.
    """
    device = batch.labels.device
    counted = torch.tensor(weights, dtype=torch.float32)
    kept = batch.kept_K
    if device.type == "cuda":
        counted = counted.pin_memory()
        kept = kept.pin_memory() if kept is not None else None
    tensors = {**batch.inputs, LABELS: batch.labels, WEIGHTS: counted.to(device, non_blocking=True)}
    return tensors if kept is None else {**tensors, KEPT: kept.to(device, non_blocking=True)}


def batch_of(tensors: Mapping[str, torch.Tensor]) -> Batch:
    """The batch again."""
    inputs = {name: tensor for name, tensor in tensors.items() if name not in (LABELS, KEPT, WEIGHTS)}
    return Batch(inputs, tensors[LABELS], tensors.get(KEPT))


def shapes_of(tensors: Mapping[str, torch.Tensor]) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """By which passes that may share a graph are told apart."""
    return tuple((name, tuple(tensor.shape)) for name, tensor in sorted(tensors.items()))
