"""Metrics as `evaluate` modules that need no hub, and the mergeable state that feeds them."""

from training.metrics.accuracy import Accuracy
from training.metrics.f1 import F1
from training.metrics.tally import Tally

__all__ = ["F1", "Accuracy", "Tally"]
