"""A run as whoever writes on it sees it, with or without a tracker behind."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol


class MetricPoint(NamedTuple):
    """One value of one metric; `step` counts training examples."""

    key: str
    value: float
    step: int
    timestamp_ms: int


class TrackedSplit(NamedTuple):
    """Rows of a split as an input of a run.

    Attributes:
        name: The split's.
        data: Name of the data set.
        source: Where its rows come from.
        digest: sha256 of the rows of all splits.
        profile: What is known of them.
    """

    name: str
    data: str
    source: str
    digest: str
    profile: Mapping[str, Any]


class RunData(NamedTuple):
    """What the tracker keeps of a run: params as texts, the last value of each metric, tags."""

    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]


class TrackedRun(Protocol):
    """A run of a trial, a sweep or an export."""

    @property
    def run_id(self) -> str | None:
        """The tracker's id; None without a tracker."""

    def log_points(self, points: list[MetricPoint]) -> None:
        """Log values over the training; those that the run already has are not written twice."""

    def log_metrics(self, values: Mapping[str, float]) -> None:
        """Log final values, at step 0."""

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Log parameters as they are displayed."""

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set or replace tags."""

    def log_text(self, text: str, file: str) -> None:
        """Write a text artifact."""

    def log_file(self, path: Path) -> None:
        """Log a file as an artifact under its own name."""

    def log_folder(self, folder: Path, name: str) -> None:
        """Upload a folder as artifacts under `name`."""

    def log_data(self, splits: Sequence[TrackedSplit]) -> None:
        """Register the rows of each split as an input of the run."""

    def end(self, *, state: str, failed: bool = False) -> None:
        """Close the run; `state` says what became of it."""


class NullRun:
    """The run of `tracking=none`: takes everything, keeps nothing."""

    run_id: str | None = None

    def log_points(self, points: list[MetricPoint]) -> None: ...

    def log_metrics(self, values: Mapping[str, float]) -> None: ...

    def log_params(self, params: Mapping[str, Any]) -> None: ...

    def set_tags(self, tags: Mapping[str, str]) -> None: ...

    def log_text(self, text: str, file: str) -> None: ...

    def log_file(self, path: Path) -> None: ...

    def log_folder(self, folder: Path, name: str) -> None: ...

    def log_data(self, splits: Sequence[TrackedSplit]) -> None: ...

    def end(self, *, state: str, failed: bool = False) -> None: ...
