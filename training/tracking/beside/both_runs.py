"""A run in the tracker, and the same elsewhere."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from slimtune.training.config.tracking import TrackingConfig
from slimtune.training.tracking.beside.tensorboard_run import TensorBoardRun
from slimtune.training.tracking.beside.wandb_run import WandbRun
from slimtune.training.tracking.run import MetricPoint, TrackedRun, TrackedSplit
from slimtune.training.trial import Lineage

log = logging.getLogger(__name__)

FOLDER = "tensorboard"


class RunBeside(Protocol):
    """A view of a run in another tool; whatever it raises means that it takes nothing any more."""

    def log_points(self, points: list[MetricPoint]) -> None: ...

    def log_metrics(self, values: Mapping[str, float]) -> None: ...

    def log_params(self, params: Mapping[str, Any]) -> None: ...

    def log_text(self, text: str, file: str) -> None: ...

    def end(self, *, failed: bool) -> None: ...


class BothRuns:
    """Implements `TrackedRun`: everything goes to the first run; points, params and texts to those beside it too.

    What one of these raises is told once, and nothing is written there any more: it is a view beside the tracker.

    Args:
        first: In the tracker.
        openers: Open the others.
    """

    def __init__(self, first: TrackedRun, openers: Mapping[str, Callable[[], RunBeside]]) -> None:
        self._first = first
        self._beside: dict[str, RunBeside] = {}
        for name, opener in openers.items():
            try:
                self._beside[name] = opener()
            except Exception as error:  # noqa: BLE001  # whatever the other tool raises
                _tell(name, error)

    @property
    def run_id(self) -> str | None:
        """The first one's."""
        return self._first.run_id

    def log_points(self, points: list[MetricPoint]) -> None:
        """Log values over the training."""
        self._each(lambda run: run.log_points(points))
        self._first.log_points(points)

    def log_metrics(self, values: Mapping[str, float]) -> None:
        """Log final values."""
        self._each(lambda run: run.log_metrics(values))
        self._first.log_metrics(values)

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Log parameters."""
        self._each(lambda run: run.log_params(params))
        self._first.log_params(params)

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set or replace tags."""
        self._first.set_tags(tags)

    def log_text(self, text: str, file: str) -> None:
        """Write a text artifact."""
        self._each(lambda run: run.log_text(text, file))
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
        """Close all."""
        self._each(lambda run: run.end(failed=failed))
        self._first.end(state=state, failed=failed)

    def _each(self, work: Callable[[RunBeside], None]) -> None:
        for name, run in list(self._beside.items()):
            try:
                work(run)
            except Exception as error:  # noqa: BLE001  # a full disk, or whatever the other tool raises
                del self._beside[name]
                _tell(name, error)


def _tell(name: str, error: Exception) -> None:
    log.warning("%s gets no more of this trial: %s", name, error)


def opened_beside(opener: Callable[[], TrackedRun], config: TrackingConfig, lineage: Lineage) -> TrackedRun:
    """The run of a trial, with the other tools that the config names."""
    openers: dict[str, Callable[[], RunBeside]] = {}
    if config.tensorboard:
        openers["TensorBoard"] = lambda: TensorBoardRun(lineage.folder / FOLDER, lineage.sampled)
    if config.wandb:
        openers["W&B"] = lambda: WandbRun(lineage)
    return BothRuns(opener(), openers)
