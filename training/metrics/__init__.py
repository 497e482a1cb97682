"""Metrics as functions of predictions and references, and the mergeable state that feeds them."""

from slimtune.training.metrics.measure import Measure, compute_all, mean_loss, measure_of, measures_of
from slimtune.training.metrics.tally import Tally, merged

__all__ = ["Measure", "Tally", "compute_all", "mean_loss", "measure_of", "measures_of", "merged"]
