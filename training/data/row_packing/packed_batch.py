"""A batch whose rows hold several examples each; attention does not cross from one to the next."""

# R rows, T tokens

from collections.abc import Sequence

import numpy as np
import torch

from slimtune.training.data.batching import IGNORED, Batch, EncodedSplit, labelled_of, on_device
from slimtune.training.data.row_packing.layout import RowCost, row_layout_of

# by it transformers knows where an example begins: it restarts there; it does so at each token of padding
POSITIONS, MASK = "position_ids", "attention_mask"


def packed_batch(
    split: EncodedSplit, rows: Sequence[int] | np.ndarray, *, pad_id: int, cost: RowCost, device: torch.device
) -> Batch:
    """Rows of next tokens, several in one where there is room.

    Each example's tokens, positions and labels are those that it has in a row of its own; what of it comes first is
    predicted by nothing.

    Args:
        split: The examples.
        rows: Those of the batch, by number.
        pad_id: What token ids are filled up with.
        cost: Of a row.
        device: Where the batch is to be.
    """
    rows = np.asarray(rows)
    columns = split.encoded.columns
    layout = row_layout_of(split.encoded.lengths()[rows], cost)
    shape = len(layout.rows_R), layout.width
    ids, positions = np.full(shape, pad_id, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    labels = np.full(shape, IGNORED, dtype=np.int64)
    for at, examples in enumerate(layout.rows_R):
        start = 0
        for example in rows[list(examples)].tolist():
            own = columns["input_ids"].row(example)
            place = slice(start, start + len(own))
            ids[at, place], positions[at, place] = own, np.arange(len(own))
            labels[at, place] = columns["labels"].row(example)
            labels[at, start] = IGNORED
            start += len(own)
    kept = np.flatnonzero((labels[:, 1:] != IGNORED).any(0))
    inputs = {"input_ids": on_device(ids, device), POSITIONS: on_device(positions, device)}
    return Batch(inputs, on_device(labels, device), torch.from_numpy(kept), labelled_of(labels, kept), len(rows))


def alike(batches: Sequence[Batch]) -> Sequence[Batch]:
    """Batches that are called in one way: if some have rows of several examples, all have positions and no mask."""
    if not any(POSITIONS in batch.inputs for batch in batches):
        return batches
    return [batch if POSITIONS in batch.inputs else _with_positions(batch) for batch in batches]


def _with_positions(batch: Batch) -> Batch:
    mask_BT = batch.inputs[MASK]
    positions_BT = torch.arange(mask_BT.shape[1], device=mask_BT.device) * mask_BT
    others = {name: tensor for name, tensor in batch.inputs.items() if name != MASK}
    return Batch({**others, POSITIONS: positions_BT}, batch.labels, batch.kept_K, batch.labelled_N)
