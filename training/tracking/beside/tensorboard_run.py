"""Event files for TensorBoard: a trial's curves, its sampled values and its config."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slimtune.training.tracking.run import MetricPoint

# what the page of hyperparameters is given, of the final values
SHOWN = ("best/", "objective")
CONFIG = "config.yaml"


class TensorBoardRun:
    """Writes into a folder; steps count training examples, as in the tracker.

    Args:
        folder: Of the event files.
        sampled: Values that the search chose, by config key.
    """

    def __init__(self, folder: Path, sampled: Mapping[str, Any]) -> None:
        # a second to import, on the tracker's thread
        from torch.utils.tensorboard.writer import SummaryWriter

        self._writer = SummaryWriter(str(folder))
        plain = (bool, int, float)
        self._sampled = {key: one if isinstance(one, plain) else str(one) for key, one in sampled.items()}
        self._finals: dict[str, float] = {}

    def log_points(self, points: list[MetricPoint]) -> None:
        """Log values over the training."""
        for point in points:
            self._writer.add_scalar(point.key, point.value, point.step, walltime=point.timestamp_ms / 1000)
            if point.key == "objective":
                self._finals[point.key] = point.value
        self._writer.flush()

    def log_metrics(self, values: Mapping[str, float]) -> None:
        """Keep final values for the page of hyperparameters."""
        self._finals |= {key: value for key, value in values.items() if key.startswith(SHOWN)}

    def log_text(self, text: str, file: str) -> None:
        """Show the config; other texts stay with the tracker."""
        if file == CONFIG:
            # four blanks make a block of code of a line
            self._writer.add_text(file, "    " + text.replace("\n", "\n    "))

    def log_params(self, params: Mapping[str, Any]) -> None:
        """The config stands there as a text, and what was sampled at the end."""

    def end(self, *, failed: bool) -> None:  # noqa: ARG002
        """Write what is known at the end, and close the file."""
        if self._sampled and self._finals:
            self._writer.add_hparams(self._sampled, self._finals, run_name=".")
        self._writer.close()
