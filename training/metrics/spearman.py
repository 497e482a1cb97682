"""Rank correlation of predicted and reference scores."""

import math
from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata


def spearman(predictions: Sequence[float], references: Sequence[float]) -> dict[str, float]:
    """Spearman's rank correlation in -1 to 1, ties at their mean rank.

    NaN on no rows, where one side is constant, or where it has a NaN. Oracle: `scipy.stats.spearmanr`, which warns of
    the latter and of two rows. Source: Spearman 1904.
    """
    sides = np.array([predictions, references], dtype=float)
    if np.isnan(sides).any() or any(len(set(side)) < 2 for side in sides.tolist()):
        return {"spearman": math.nan}
    return {"spearman": float(np.corrcoef(rankdata(sides, axis=1))[0, 1])}
