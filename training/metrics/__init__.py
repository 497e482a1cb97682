"""Metrics as `evaluate` modules that need no hub, and the mergeable state that feeds them."""

from slimtune.training.metrics.accuracy import Accuracy
from slimtune.training.metrics.f1 import F1
from slimtune.training.metrics.measure import Measure, compute_all, mean_loss, measure_of, measures_of
from slimtune.training.metrics.tally import Tally, merged

__all__ = ["F1", "Accuracy", "Measure", "Tally", "compute_all", "mean_loss", "measure_of", "measures_of", "merged"]
