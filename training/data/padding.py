"""Token ids of rows of unlike length as one array; no PyTorch."""

# B rows, T tokens

from collections.abc import Sequence

import numpy as np


def padded_ids(rows: Sequence[Sequence[int]], pad_id: int, *, left: bool) -> tuple[np.ndarray, np.ndarray]:
    """Token ids and mask (B, T), int64. A causal model continues from the last position, so its rows are filled up on
    the left.
    """
    longest = max(len(row) for row in rows)
    ids_BT = np.full((len(rows), longest), pad_id, dtype=np.int64)
    mask_BT = np.zeros((len(rows), longest), dtype=np.int64)
    for at, row in enumerate(rows):
        place = slice(longest - len(row), longest) if left else slice(len(row))
        ids_BT[at, place], mask_BT[at, place] = row, 1
    return ids_BT, mask_BT
