"""What packing rows would save of a trial's work."""

import math

import numpy as np

from slimtune.training.data.batching import BatchOrder
from slimtune.training.data.row_packing.layout import RowCost, row_layout_of

# of an epoch, enough to tell the share
MOST_BATCHES = 64


def saved_share(lengths_N: np.ndarray, order: BatchOrder, *, rows_at_once: int, cost: RowCost) -> float:
    """Share of the cost of padded micro-batches that packed ones do not have.

    Args:
        lengths_N: Tokens of the training rows.
        order: Of the trial's batches; one of its own, which is used up.
        rows_at_once: Of a micro-batch.
        cost: Of a row.
    """
    padded = packed = 0.0
    for rows in (next(order) for _ in range(_num_batches(len(lengths_N), order.batch_size))):
        for start in range(0, len(rows), rows_at_once):
            own_N = lengths_N[rows[start : start + rows_at_once]]
            layout = row_layout_of(own_N, cost)
            padded += cost.of(len(own_N), cost.filled(int(own_N.max())))
            packed += cost.of(len(layout.rows_R), layout.width)
    return 1 - packed / padded


def _num_batches(num_rows: int, batch_size: int) -> int:
    return min(math.ceil(num_rows / batch_size), MOST_BATCHES)
