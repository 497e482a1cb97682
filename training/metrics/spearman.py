"""Rank correlation of predicted and reference scores."""

import math
from typing import Any

import evaluate
import numpy as np
from scipy.stats import rankdata

from slimtune.training.metrics.module import info_of


class Spearman(evaluate.Metric):  # type: ignore[misc]
    """Spearman's rank correlation in -1 to 1, ties at their mean rank.

    NaN on no rows, where one side is constant, or where it has a NaN. Oracle: `scipy.stats.spearmanr`, which warns of
    the latter and of two rows. Source: Spearman 1904.
    """

    def _info(self) -> evaluate.MetricInfo:
        return info_of(self.__doc__, "float64", "scores")

    def _compute(self, predictions: Any, references: Any) -> dict[str, float]:
        sides = np.array([predictions, references], dtype=float)
        if np.isnan(sides).any() or any(len(set(side)) < 2 for side in sides.tolist()):
            return {"spearman": math.nan}
        return {"spearman": float(np.corrcoef(rankdata(sides, axis=1))[0, 1])}
