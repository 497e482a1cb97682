"""A run in the tracker, and the same elsewhere."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from slimtune.training.tracking.beside.tensorboard_run import TensorBoardRun
from slimtune.training.tracking.run import MetricPoint, TrackedRun, TrackedSplit
from slimtune.training.trial import Lineage

log = logging.getLogger(__name__)

FOLDER = "tensorboard"


class BothRuns:
    """Implements `TrackedRun`: everything goes to the first run; points, params and texts to the second one too.

    What the second one raises is told once, and nothing is written there any more: it is a view beside the tracker.
    """

    def __init__(self, first: TrackedRun, second: TensorBoardRun) -> None:
        self._first, self._second = first, second
        self._is_broken = False

    @property
    def run_id(self) -> str | None:
        """The first one's."""
        return self._first.run_id

    def log_points(self, points: list[MetricPoint]) -> None:
        """Log values over the training."""
        self._beside(lambda: self._second.log_points(points))
        self._first.log_points(points)

    def log_metrics(self, values: Mapping[str, float]) -> None:
        """Log final values."""
        self._beside(lambda: self._second.log_metrics(values))
        self._first.log_metrics(values)

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Log parameters."""
        self._first.log_params(params)

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set or replace tags."""
        self._first.set_tags(tags)

    def log_text(self, text: str, file: str) -> None:
        """Write a text artifact."""
        self._beside(lambda: self._second.log_text(text, file))
        self._first.log_text(text, file)

    def log_file(self, path: Path) -> None:
        """Log a file as an artifact."""
        self._first.log_file(path)

    def log_folder(self, folder: Path, name: str) -> None:
        """Upload a folder as artifacts."""
        self._first.log_folder(folder, name)

    def log_data(self, splits: Sequence[TrackedSplit]) -> None:
        """Register the rows of each split as an input of the run."""
        self._first.log_data(splits)

    def end(self, *, state: str, failed: bool = False) -> None:
        """Close both."""
        self._beside(self._second.end)
        self._first.end(state=state, failed=failed)

    def _beside(self, work: Callable[[], None]) -> None:
        if self._is_broken:
            return
        try:
            work()
        except Exception as error:  # noqa: BLE001  # a full disk, or whatever the writer raises
            self._is_broken = True
            log.warning("TensorBoard's event files end here: %s", error)


def opened_beside(opener: Callable[[], TrackedRun], lineage: Lineage) -> TrackedRun:
    """The run of a trial, with event files in the trial's folder."""
    return BothRuns(opener(), TensorBoardRun(lineage.folder / FOLDER, lineage.sampled))
