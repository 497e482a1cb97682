"""One run as MLflow keeps it."""

import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slimtune.training.tracking.display import display, tracked_number
from slimtune.training.tracking.names import mlflow_name
from slimtune.training.tracking.run import MetricPoint, TrackedSplit

if TYPE_CHECKING:
    from mlflow import MlflowClient

# MLflow's limits for one request
MAX_POINTS, MAX_PARAMS, MAX_PARAM_CHARS = 1000, 100, 6000
# for an answer of a server, unless MLFLOW_HTTP_REQUEST_TIMEOUT says otherwise; by default MLflow waits for minutes, and
# here what a server does not take waits on disk
WAIT_SECONDS = 15
# a server says nothing of a file until it has stored it: so long for one that is fetched, and by its size for one that
# is sent, as to a store which takes a megabyte a second
FETCH_SECONDS, BYTES_A_SECOND = 600, 1_000_000


class _Waits:
    """How long requests of this process wait: as long as the most patient of those under way."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._seconds = [WAIT_SECONDS]

    @contextmanager
    def at_least(self, seconds: int) -> Iterator[None]:
        """Within the block."""
        self._change(seconds, more=True)
        try:
            yield
        finally:
            self._change(seconds, more=False)

    def _change(self, seconds: int, *, more: bool) -> None:
        from mlflow.environment_variables import MLFLOW_HTTP_REQUEST_TIMEOUT

        with self._turn:
            (self._seconds.append if more else self._seconds.remove)(seconds)
            # not the variable itself: processes that are started meanwhile would keep it
            MLFLOW_HTTP_REQUEST_TIMEOUT.default = max(self._seconds)


_waits = _Waits()


def waiting_briefly() -> None:
    """From now on requests of this process wait for `WAIT_SECONDS`."""
    with _waits.at_least(WAIT_SECONDS):
        pass


@contextmanager
def sending(path: Path) -> Iterator[None]:
    """While a file or a folder is uploaded: requests wait as long as a slow store takes for the largest file."""
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    largest = max((one.stat().st_size for one in files), default=0)
    with _waits.at_least(WAIT_SECONDS + largest // BYTES_A_SECOND):
        yield


@contextmanager
def fetching() -> Iterator[None]:
    """While something is downloaded, whose size is not known."""
    with _waits.at_least(FETCH_SECONDS):
        yield


class MlflowRun:
    """One run of the tracker."""

    def __init__(self, client: "MlflowClient", run_id: str, last_steps: Mapping[str, int] | None = None) -> None:
        self._client = client
        self.run_id: str | None = run_id
        self._id = run_id
        self._last_steps = dict(last_steps or {})

    def log_points(self, points: list[MetricPoint]) -> None:
        """Write metric points that an earlier attempt has not written, synchronously and in few requests."""
        self.write([point for point in points if point.step > self._last_steps.get(mlflow_name(point.key), -1)])

    def times(self, key: str) -> dict[int, set[int]]:
        """The steps at which a metric was logged, and when that was, in milliseconds since 1970."""
        times: dict[int, set[int]] = {}
        for point in self._client.get_metric_history(self._id, mlflow_name(key)):
            times.setdefault(point.step, set()).add(point.timestamp)
        return times

    def write(self, points: list[MetricPoint]) -> None:
        """Write metric points, also those that the run has."""
        from mlflow.entities import Metric

        metrics = [
            Metric(mlflow_name(point.key), tracked_number(point.value), point.timestamp_ms, point.step)
            for point in points
        ]
        for at in range(0, len(metrics), MAX_POINTS):
            self._client.log_batch(self._id, metrics=metrics[at : at + MAX_POINTS])

    def log_metrics(self, values: Mapping[str, float]) -> None:
        """Write final values; those of an earlier attempt are replaced."""
        now = int(time.time() * 1000)
        self.write([MetricPoint(key, value, 0, now) for key, value in values.items()])

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Write params; values longer than MLflow takes are cut, the whole ones stand in config.yaml."""
        from mlflow.entities import Param

        entities = [Param(mlflow_name(key), display(value)[:MAX_PARAM_CHARS]) for key, value in params.items()]
        for at in range(0, len(entities), MAX_PARAMS):
            self._client.log_batch(self._id, params=entities[at : at + MAX_PARAMS])

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set or replace tags."""
        from mlflow.entities import RunTag

        self._client.log_batch(self._id, tags=[RunTag(mlflow_name(key), value) for key, value in tags.items()])

    def log_text(self, text: str, file: str) -> None:
        """Write a text artifact."""
        self._client.log_text(self._id, text, file)

    def log_file(self, path: Path) -> None:
        """Log a file as an artifact under its own name."""
        with sending(path):
            self._client.log_artifact(self._id, str(path))

    def log_folder(self, folder: Path, name: str) -> None:
        """Upload a folder as artifacts under `name`."""
        with sending(folder):
            self._client.log_artifacts(self._id, str(folder), name)

    def log_data(self, splits: Sequence[TrackedSplit]) -> None:
        """Register the rows of each split as an input of the run."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        inputs = []
        for split in splits:
            entity = Dataset(
                name=f"{split.data} {split.name}",
                digest=split.digest[:8],
                source_type="local",
                source=json.dumps({"uri": split.source}),
                profile=json.dumps({"sha256": split.digest, **split.profile}),
            )
            inputs.append(DatasetInput(entity, tags=[InputTag("mlflow.data.context", split.name)]))
        self._client.log_inputs(self._id, datasets=inputs)

    def tag_experiment(self, key: str, value: str) -> None:
        """Set a tag of the experiment that the run is in."""
        self._client.set_experiment_tag(self._client.get_run(self._id).info.experiment_id, key, value)

    def reopen(self) -> None:
        """The run goes on."""
        self._client.update_run(self._id, status="RUNNING")

    def end(self, *, state: str, failed: bool = False, at_ms: int | None = None) -> None:
        """Close the run. A pruned trial is FINISHED in MLflow's terms; `state` says what it really is."""
        self.set_tags({"state": state})
        self._client.set_terminated(self._id, status="FAILED" if failed else "FINISHED", end_time=at_ms)
