"""One batch of all trials' rows, made in host memory and sent to the device at once, and taken apart by trial."""

# B rows, T tokens

from collections.abc import Callable, Sequence

import numpy as np
import torch

from slimtune.training.data.batching import IGNORED, Batch, labelled_of, on_device, pad_of
from slimtune.training.data.row_packing.packed_batch import alike
from slimtune.training.engine.slots.segments import SegmentTable


def joined_batch(
    batches: Sequence[Batch],
    table: SegmentTable,
    *,
    pad_id: int,
    device: torch.device,
    lengthen: Callable[[int], int] | None = None,
) -> Batch:
    """All rows in the order of the segments, padded to the longest, and each trial's to whole segments.

    A row of padding is the trial's own last row once more: its values are as finite as the trial's, and nobody asks
    for its loss.

    Args:
        batches: In host memory, one a trial.
        table: Whose rows are whose.
        pad_id: What token ids are filled up with.
        device: Where to train.
        lengthen: To what length rows of so many tokens are filled up; None is no further.
    """
    batches = alike(batches)
    first = batches[0]
    inputs = {
        name: _stacked([batch.inputs[name] for batch in batches], table, pad_of(name, pad_id), lengthen)
        for name in first.inputs
    }
    labels = _stacked([batch.labels for batch in batches], table, IGNORED, lengthen)
    sent = {name: on_device(array, device) for name, array in inputs.items()}
    kept, labelled = _kept(batches, labels.shape[-1], lengthen), None
    if lengthen is None and first.labelled_N is not None:
        labelled = labelled_of(labels, None if kept is None else kept.numpy())
    return Batch(sent, on_device(labels, device), kept, labelled)


def _kept(batches: Sequence[Batch], length: int, lengthen: Callable[[int], int] | None) -> torch.Tensor | None:
    """Where next tokens are predicted by some trial; everywhere if the shape is to be the same in all batches."""
    kept = [batch.kept_K for batch in batches if batch.kept_K is not None]
    if not kept:
        return None
    return torch.unique(torch.cat(kept)) if lengthen is None else torch.arange(length - 1)


def rows_by_trial(tensor: torch.Tensor, table: SegmentTable) -> list[torch.Tensor]:
    """Each trial's rows of what the model gives, without those of padding."""
    pairs = zip(table.sizes, table.padded_sizes, strict=True)
    sizes = [part for size, padded in pairs for part in (size, padded - size)]
    return list(torch.split(tensor, sizes)[::2])


def parts_by_trial(joined: Batch, table: SegmentTable) -> list[Batch]:
    """Each trial's rows of the batch, without those of padding."""
    parts, start = [], 0
    for size, padded in zip(table.sizes, table.padded_sizes, strict=True):
        parts.append(joined.part(slice(start, start + size)))
        start += padded
    return parts


def _stacked(
    tensors: Sequence[torch.Tensor], table: SegmentTable, value: int, lengthen: Callable[[int], int] | None
) -> np.ndarray:
    arrays = [tensor.numpy() for tensor in tensors]
    # values by class have no length
    has_length = arrays[0].ndim > 1 and np.issubdtype(arrays[0].dtype, np.integer)
    longest = max(array.shape[1] for array in arrays) if has_length else 0
    longest = lengthen(longest) if lengthen is not None and has_length else longest
    rows = []
    for array, padded in zip(arrays, table.padded_sizes, strict=True):
        below = [(0, padded - len(array)), *[(0, 0)] * (array.ndim - 1)]
        whole = np.pad(array, below, mode="edge") if padded > len(array) else array
        if has_length and array.shape[1] < longest:
            beside = [(0, 0), (0, longest - array.shape[1]), *[(0, 0)] * (array.ndim - 2)]
            whole = np.pad(whole, beside, constant_values=value)
        rows.append(whole)
    return np.concatenate(rows)
