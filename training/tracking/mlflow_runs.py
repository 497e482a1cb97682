"""The door to MLflow for runs: experiments, parent and child runs, what is logged on them."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from slimtune.training.atomic_files import json_text
from slimtune.training.config.tracking import TrackerName, TrackingConfig
from slimtune.training.errors import StoreError
from slimtune.training.hub_connection import why_unreachable_at
from slimtune.training.tracking.display import MODE, display
from slimtune.training.tracking.environment import source_tags
from slimtune.training.tracking.moved_store import ARTIFACTS, follow_move
from slimtune.training.tracking.names import mlflow_name
from slimtune.training.tracking.run import MetricPoint, NullRun, Table, TrackedRun, TrackedSplit
from slimtune.training.tracking.store_file import no_store_reason
from slimtune.training.tracking.uri import (
    URL_SIGNS,
    is_folder,
    no_misread_folder,
    sqlite_path,
    tracking_uri,
    without_password,
)
from slimtune.training.trial import Lineage

if TYPE_CHECKING:
    from mlflow import MlflowClient

# MLflow's limits for one request
MAX_POINTS, MAX_PARAMS, MAX_PARAM_CHARS = 1000, 100, 6000
# MLflow's own variable
FOLDERS = "MLFLOW_ALLOW_FILE_STORE"
# the tag by which MLflow finds tables among artifacts
TABLES = "mlflow.loggedArtifacts"
# than that of an experiment that was deleted
OTHER_NAME = "take another name"


@cache
def client_of(uri: str) -> "MlflowClient":
    """A client of the store, after its database is there; importing MLflow takes seconds, so only here.

    Raises:
        StoreError: The store does not answer.
    """
    check_store_file(uri)
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    # its notes about the database would tear the live table
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    os.environ.setdefault("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with _start_lock(uri):
            database = sqlite_path(uri)
            if database is not None:
                follow_move(database)
            with no_misread_folder(uri):
                client = MlflowClient(tracking_uri=uri, registry_uri=uri)
                client.search_experiments(max_results=1)
                if URL_SIGNS & set(uri):
                    # the registry's store opens when it is first asked
                    client.search_registered_models(max_results=1)
    except (MlflowException, SQLAlchemyError, OSError) as error:
        raise _silent(uri, error) from error
    return client


def check_store_file(uri: str) -> None:
    """Whether the file behind an SQLite store's URL may be one.

    Raises:
        StoreError: It is broken, or something else; or a folder is named, which MLflow takes only if it is told to.
    """
    if is_folder(uri) and os.environ.get(FOLDERS, "").lower() not in ("true", "1"):
        raise StoreError(
            f"tracking.uri is '{uri}', a folder, where MLflow keeps no runs any more; name a database or a server, "
            f"e.g. sqlite:///mlruns/mlflow.db or http://127.0.0.1:5000 ({FOLDERS}=true in the environment allows it)"
        )
    path = sqlite_path(uri)
    if path is not None and (reason := no_store_reason(path)) is not None:
        raise StoreError(
            f"tracking.uri is '{without_password(uri)}', and {reason}; bring MLflow's file back from a copy, or name "
            "another one (tracking.uri, or --tracking-uri)"
        )


def check_tracker(config: TrackingConfig, experiment: str, *, instead: str = OTHER_NAME) -> None:
    """Look at the store before anything is logged; a file that is not there is made when it is needed.

    Args:
        config: Of the tracker.
        experiment: What is taken if the config names none.
        instead: What can be done about an experiment that was deleted, but for restoring it.

    Raises:
        StoreError: It does not answer, is of another version of MLflow, or the experiment was deleted there.
    """
    uri = tracking_uri(config.uri)
    check_store_file(uri)
    path = sqlite_path(uri)
    if path is not None and not (path.is_file() and path.stat().st_size):
        return
    if uri.startswith(("http://", "https://")) and (reason := why_unreachable_at(uri)) is not None:
        raise StoreError(f"tracking.uri is '{without_password(uri)}', which does not answer: {reason}")
    name = config.experiment or experiment
    client = client_of(uri)
    from mlflow.exceptions import MlflowException

    try:
        found = client.get_experiment_by_name(name)
    except MlflowException as error:
        raise _silent(uri, error) from error
    if found is not None:
        _active(found, name, instead)


def _silent(uri: str, error: Exception) -> StoreError:
    return StoreError(f"tracking.uri is '{without_password(uri)}', which does not answer: {str(error).splitlines()[0]}")


def _active(experiment: Any, name: str, instead: str = OTHER_NAME) -> Any:
    if experiment is None or experiment.lifecycle_stage != "active":
        raise StoreError(f"tracking.experiment '{name}' was deleted in MLflow; restore it or {instead}")
    return experiment


def _start_lock(uri: str) -> FileLock:
    """Processes that create one SQLite file at the same time break it, so the first start is alone."""
    database = sqlite_path(uri)
    if database is not None:
        database.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(database.parent / ".start.lock")
    cache_dir = Path("~/.cache/slimtune").expanduser()
    cache_dir.mkdir(parents=True, exist_ok=True)
    return FileLock(cache_dir / "mlflow.start.lock")


class Tracker:
    """Opens runs in one experiment."""

    def __init__(self, config: TrackingConfig, experiment: str) -> None:
        self.uri = tracking_uri(config.uri)
        self._client = client_of(self.uri)
        self.experiment_id = self._experiment(config.experiment or experiment)

    def _experiment(self, name: str) -> str:
        from mlflow.exceptions import MlflowException

        found = self._client.get_experiment_by_name(name)
        if found is None:
            try:
                return self._client.create_experiment(name, artifact_location=self._artifact_location(name))
            except MlflowException:
                # another process was faster
                found = self._client.get_experiment_by_name(name)
        return str(_active(found, name).experiment_id)

    def _artifact_location(self, name: str) -> str | None:
        database = sqlite_path(self.uri)
        return None if database is None else (database.absolute().parent / ARTIFACTS / name).as_uri()

    def start(self, lineage: Lineage) -> "MlflowRun":
        """A new run, or the run of an earlier attempt, resumed; if that was deleted, a new one."""
        if lineage.run_id is not None and self.has(lineage.run_id):
            return self.reopen(lineage.run_id)
        tags = {"kind": lineage.kind, "state": "running", **source_tags(), **lineage.tags}
        if lineage.parent_run_id is not None:
            tags["mlflow.parentRunId"] = lineage.parent_run_id
        run = self._client.create_run(self.experiment_id, tags=tags, run_name=lineage.name)
        return MlflowRun(self._client, run.info.run_id)

    def reopen(self, run_id: str) -> "MlflowRun":
        """Resume a run; points that it already has are not written twice."""
        run = self._client.get_run(run_id)
        self._client.update_run(run_id, status="RUNNING")
        last = {
            key: max(point.step for point in self._client.get_metric_history(run_id, key)) for key in run.data.metrics
        }
        return MlflowRun(self._client, run_id, last_steps=last)

    def has(self, run_id: str) -> bool:
        """Whether a run is there, and not deleted."""
        from mlflow.exceptions import MlflowException
        from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode

        try:
            return bool(self._client.get_run(run_id).info.lifecycle_stage == "active")
        except MlflowException as error:
            if error.error_code != ErrorCode.Name(RESOURCE_DOES_NOT_EXIST):
                raise
            return False

    def adopt(self, run_id: str, *, parent_run_id: str) -> None:
        """Make a run the child of another parent."""
        self._client.set_tag(run_id, "mlflow.parentRunId", parent_run_id)

    def open_runs(self, parent_run_id: str, *, kind: str) -> list[str]:
        """Ids of the parent's runs of a kind that are still marked as running."""
        of_parent = f"tags.mlflow.parentRunId = '{parent_run_id}' and tags.kind = '{kind}'"
        found = self._client.search_runs(
            [self.experiment_id], f"attributes.status = 'RUNNING' and {of_parent}", max_results=1000
        )
        return [run.info.run_id for run in found]

    def run(self, run_id: str) -> "MlflowRun":
        """A run that is there, as it is."""
        return MlflowRun(self._client, run_id)

    def delete(self, run_id: str) -> None:
        """Move a run to MLflow's deleted ones."""
        self._client.delete_run(run_id)

    def tag_experiment(self, key: str, value: str) -> None:
        """Set a tag of the experiment."""
        self._client.set_experiment_tag(self.experiment_id, key, value)

    def link(self) -> str:
        """Where the experiment's runs stand in the MLflow UI; a bare link would open on traces."""
        return f"{self._host}/#/experiments/{self.experiment_id}/runs?{MODE}"

    def link_to(self, run_id: str) -> str:
        """Where one run stands there."""
        return f"{self._host}/#/experiments/{self.experiment_id}/runs/{run_id}?{MODE}"

    @property
    def _host(self) -> str:
        return self.uri if self.uri.startswith("http") else "http://127.0.0.1:5000"


class Trackers:
    """The trackers of a worker, each with its experiment looked up once: later trials do not wait for a tracker that is
    slow or down.
    """

    def __init__(self) -> None:
        self._trackers: dict[tuple[str, str], Tracker] = {}

    def opener(self, config: TrackingConfig, lineage: Lineage) -> Callable[[], TrackedRun]:
        """What opens a run in the configured tracker; may be called on another thread.

        Raises:
            StoreError: The tracker does not answer.
        """
        if config.name is TrackerName.none:
            return NullRun
        key = (tracking_uri(config.uri), config.experiment or lineage.experiment)
        if key not in self._trackers:
            self._trackers[key] = Tracker(config, lineage.experiment)
        return partial(self._trackers[key].start, lineage)


class MlflowRun:
    """One run of the tracker."""

    def __init__(self, client: "MlflowClient", run_id: str, last_steps: Mapping[str, int] | None = None) -> None:
        self._client = client
        self.run_id: str | None = run_id
        self._id = run_id
        self._last_steps = dict(last_steps or {})

    def log_points(self, points: list[MetricPoint]) -> None:
        """Write metric points that an earlier attempt has not written, synchronously and in few requests."""
        self._write([point for point in points if point.step > self._last_steps.get(mlflow_name(point.key), -1)])

    def _write(self, points: list[MetricPoint]) -> None:
        from mlflow.entities import Metric

        metrics = [
            # six digits fit the UI's columns; the study and the manifest keep the rest
            Metric(mlflow_name(point.key), float(f"{point.value:.6g}"), point.timestamp_ms, point.step)
            for point in points
        ]
        for at in range(0, len(metrics), MAX_POINTS):
            self._client.log_batch(self._id, metrics=metrics[at : at + MAX_POINTS])

    def log_metrics(self, values: Mapping[str, float]) -> None:
        """Write final values; those of an earlier attempt are replaced."""
        import time

        now = int(time.time() * 1000)
        self._write([MetricPoint(key, value, 0, now) for key, value in values.items()])

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

    def log_tables(self, tables: Mapping[str, Table]) -> None:
        """Write tables as MLflow's own `log_table` does, but whole: that adds to what a first attempt has written."""
        for file, table in tables.items():
            rows = [list(row) for row in zip(*table.values(), strict=True)]
            self.log_text(json_text({"columns": list(table), "data": rows}, ensure_ascii=False), file)
        self.set_tags({TABLES: json.dumps([{"path": file, "type": "table"} for file in tables])})

    def log_file(self, path: Path) -> None:
        """Log a file as an artifact under its own name."""
        self._client.log_artifact(self._id, str(path))

    def log_folder(self, folder: Path, name: str) -> None:
        """Upload a folder as artifacts under `name`."""
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

    def end(self, *, state: str, failed: bool = False) -> None:
        """Close the run. A pruned trial is FINISHED in MLflow's terms; `state` says what it really is."""
        self.set_tags({"state": state})
        self._client.set_terminated(self._id, status="FAILED" if failed else "FINISHED")


def run_in(uri: str, run_id: str | None) -> "MlflowRun | None":
    """A run of a store, to be written on; None if there is no such run.

    Raises:
        StoreError: The store does not answer.
    """
    from mlflow.exceptions import MlflowException

    client = client_of(uri)
    if run_id is None:
        return None
    try:
        client.get_run(run_id)
    except MlflowException:
        return None
    return MlflowRun(client, run_id)


def run_tags(uri: str, run_id: str) -> Mapping[str, str]:
    """The tags of a run; empty if there is no such run."""
    from mlflow.exceptions import MlflowException

    try:
        tags: Mapping[str, str] = client_of(uri).get_run(run_id).data.tags
    except MlflowException:
        return {}
    return tags


def download_run_folder(uri: str, run_id: str, name: str) -> Path | None:
    """A folder among a run's artifacts, on this disk; None if there is no such run or folder."""
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    client = client_of(uri)
    try:
        found = {item.path for item in client.list_artifacts(run_id)}
        with no_misread_folder(uri):
            place = download_artifacts(run_id=run_id, artifact_path=name, tracking_uri=uri) if name in found else None
        return Path(place) if place is not None else None
    except MlflowException:
        return None
