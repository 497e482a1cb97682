"""The door to MLflow for runs: experiments, parent and child runs, what is logged on them."""

import os
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from filelock import FileLock

from slimtune.training.config.tracking import TrackingConfig
from slimtune.training.errors import StoreError
from slimtune.training.hub_connection import why_unreachable_at
from slimtune.training.sqlite_file import ENDINGS
from slimtune.training.tracking.display import MODE
from slimtune.training.tracking.environment import source_tags
from slimtune.training.tracking.journal import KEY_TAG, QUEUED
from slimtune.training.tracking.mlflow_run import MlflowRun, fetching, waiting_briefly
from slimtune.training.tracking.moved_store import ARTIFACTS, follow_move
from slimtune.training.tracking.run import RunData
from slimtune.training.tracking.store_answers import StoreRefusal, answering, away, silent
from slimtune.training.tracking.store_file import no_store_reason
from slimtune.training.tracking.uri import (
    SQLITE,
    URL_SIGNS,
    experiment_name,
    has_password,
    is_folder,
    no_misread_folder,
    sqlite_path,
    told_uri,
    tracking_uri,
    without_secrets,
)
from slimtune.training.trial import Lineage
from slimtune.training.usual_places import home_path

if TYPE_CHECKING:
    from mlflow import MlflowClient

# endings of files that are a database, and no folder
# MLflow's own variable
FOLDERS = "MLFLOW_ALLOW_FILE_STORE"
# packages that teach MLflow a kind of URI
PLUGINS = {"azureml": "azureml-mlflow"}
# than that of an experiment that was deleted
OTHER_NAME = "take another name"

AnswerT = TypeVar("AnswerT")


@cache
def client_of(uri: str) -> "MlflowClient":
    """A client of the store, after its database is there; importing MLflow takes seconds, so only here.

    Raises:
        TrackerAway: The store does not answer.
        StoreError: It is none.
    """
    check_store_file(uri)
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    # its notes about the database would tear the live table
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    os.environ.setdefault("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    waiting_briefly()
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from mlflow.tracking.registry import UnsupportedModelRegistryStoreURIException
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
    except UnsupportedModelRegistryStoreURIException as error:
        told = without_secrets(str(error), uri)
        raise StoreError(f"{told_uri(uri)}, which MLflow does not know: {told}") from error
    except (MlflowException, SQLAlchemyError, OSError) as error:
        raise silent(uri, error) from error
    return client


def check_store_file(uri: str) -> None:
    """Whether the file behind an SQLite store's URL may be one.

    Raises:
        StoreError: It is broken, or something else; or a folder is named, which MLflow takes only if it is told to; or
            a kind of server that another package knows, which is not there.
    """
    if is_folder(uri) and Path(uri).suffix in ENDINGS:
        raise StoreError(f"{told_uri(uri)}, which has no scheme; a file of SQLite is {SQLITE}{uri}")
    if is_folder(uri) and os.environ.get(FOLDERS, "").lower() not in ("true", "1"):
        raise StoreError(
            f"{told_uri(uri)}, a folder, where MLflow keeps no runs any more; name a database or a server, "
            f"e.g. sqlite:///mlruns/mlflow.db or http://127.0.0.1:5000 ({FOLDERS}=true in the environment allows it)"
        )
    if has_password(uri):
        raise StoreError(
            f"{told_uri(uri)}, with a password, which would be logged; give it by MLFLOW_TRACKING_USERNAME and "
            "MLFLOW_TRACKING_PASSWORD, or a driver's own variable such as PGPASSWORD"
        )
    package = PLUGINS.get(uri.partition(":")[0])
    if package is not None and not entry_points(group="mlflow.tracking_store", name=uri.partition(":")[0]):
        raise StoreError(f"{told_uri(uri)}, which needs {package}: pip install {package}")
    path = sqlite_path(uri)
    if path is not None and (reason := no_store_reason(path)) is not None:
        raise StoreError(
            f"{told_uri(uri)}, and {reason}; bring MLflow's file back from a copy, or name "
            "another one (tracking.uri, or --tracking-uri)"
        )


def check_tracker(config: TrackingConfig, experiment: str, *, instead: str = OTHER_NAME) -> None:
    """Look at the store before anything is logged; a file that is not there is made when it is needed.

    Args:
        config: Of the tracker.
        experiment: What is taken if the config names none.
        instead: What can be done about an experiment that was deleted, but for restoring it.

    Raises:
        TrackerAway: It does not answer.
        StoreError: It is of another version of MLflow, or the experiment was deleted there.
    """
    uri = tracking_uri(config.uri)
    check_store_file(uri)
    path = sqlite_path(uri)
    if path is not None and not (path.is_file() and path.stat().st_size):
        return
    if uri.startswith(("http://", "https://")) and (reason := why_unreachable_at(uri)) is not None:
        raise away(uri, reason)
    name = experiment_name(config.experiment, experiment)
    client = client_of(uri)
    with answering(uri):
        found = client.get_experiment_by_name(name)
    if found is not None:
        _active(found, name, instead)


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
    cache_dir = home_path("~/.cache/slimtune")
    cache_dir.mkdir(parents=True, exist_ok=True)
    return FileLock(cache_dir / "mlflow.start.lock")


class Tracker:
    """Opens runs in one experiment."""

    def __init__(self, config: TrackingConfig, experiment: str) -> None:
        self.uri = tracking_uri(config.uri)
        self._client = client_of(self.uri)
        self.experiment_id = self._experiment(experiment_name(config.experiment, experiment))

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
        return self.run(self.create(lineage.name, first_tags(lineage), parent_run_id=lineage.parent_run_id))

    def create(
        self, name: str, tags: Mapping[str, str], *, parent_run_id: str | None, began_ms: int | None = None
    ) -> str:
        """A new run; its id."""
        parent = {} if parent_run_id is None else {"mlflow.parentRunId": parent_run_id}
        made = self._client.create_run(self.experiment_id, start_time=began_ms, tags={**tags, **parent}, run_name=name)
        return str(made.info.run_id)

    def find(self, key: str) -> str | None:
        """Id of the run that was made under a key, deleted or not; None if there is none."""
        from mlflow.entities import ViewType

        found = self._client.search_runs(
            [self.experiment_id], f"tags.`{KEY_TAG}` = '{key}'", run_view_type=ViewType.ALL, max_results=1
        )
        return str(found[0].info.run_id) if found else None

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

    def open_runs(self, parent_run_id: str, *, kind: str) -> dict[str, str | None]:
        """Ids of the parent's runs of a kind that are still marked as running, with the keys they were made under."""
        of_parent = f"tags.mlflow.parentRunId = '{parent_run_id}' and tags.kind = '{kind}'"
        found = self._client.search_runs(
            [self.experiment_id], f"attributes.status = 'RUNNING' and {of_parent}", max_results=1000
        )
        return {run.info.run_id: run.data.tags.get(KEY_TAG) for run in found}

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


def first_tags(lineage: Lineage) -> dict[str, str]:
    """What a run is tagged with from its beginning, but for its parent."""
    return {"kind": lineage.kind, "state": "running", **source_tags(), **lineage.tags}


def answer_of(uri: str, question: Callable[["MlflowClient"], AnswerT]) -> AnswerT | None:
    """What a store answers; None if it says that there is no such thing.

    Raises:
        TrackerAway: It does not answer: nobody can say whether there is.
        StoreRefusal: It says no to the question.
    """
    client = client_of(uri)
    try:
        with answering(uri):
            return question(client)
    except StoreRefusal as error:
        if error.is_not_there:
            return None
        raise


def run_in(uri: str, run_id: str | None) -> "MlflowRun | None":
    """A run of a store, to be written on; None if there is no such run, or it was deleted.

    Args:
        uri: The store's.
        run_id: Its id, or `queued-<key>` of one that the store did not have yet when it was noted.

    Raises:
        TrackerAway: The store does not answer.
    """
    found = None if run_id is None else answer_of(uri, lambda client: client.get_run(_id_in(client, run_id)))
    if found is None or found.info.lifecycle_stage != "active":
        return None
    return MlflowRun(client_of(uri), found.info.run_id)


def run_tags(uri: str, run_id: str) -> Mapping[str, str]:
    """The tags of a run; empty if there is no such run. Raises as `run_in`."""
    found = run_data(uri, run_id)
    return found.tags if found is not None else {}


def run_data(uri: str, run_id: str) -> RunData | None:
    """What is kept of a run; None if there is no such run. Its id is given, and all raises, as of `run_in`."""
    found = answer_of(uri, lambda client: client.get_run(_id_in(client, run_id)).data)
    return None if found is None else RunData(found.params, found.metrics, found.tags)


def download_run_folder(uri: str, run_id: str, name: str) -> Path | None:
    """A folder among a run's artifacts, on this disk; None if there is no such run or folder.

    Its id is given, and all raises, as of `run_in`; also where the artifacts cannot be read.
    """
    from mlflow.artifacts import download_artifacts

    def place(client: "MlflowClient") -> str | None:
        own = _id_in(client, run_id)
        if name not in {item.path for item in client.list_artifacts(own)}:
            return None
        with fetching(), no_misread_folder(uri):
            return str(download_artifacts(run_id=own, artifact_path=name, tracking_uri=uri))

    found = answer_of(uri, place)
    return Path(found) if found is not None else None


def _id_in(client: "MlflowClient", run_id: str) -> str:
    """The id that a store has given to a run which was noted by its key; the given one if it has none such."""
    if not run_id.startswith(QUEUED):
        return run_id
    experiments = [one.experiment_id for one in client.search_experiments()]
    found = client.search_runs(experiments, f"tags.`{KEY_TAG}` = '{run_id.removeprefix(QUEUED)}'", max_results=1)
    return str(found[0].info.run_id) if found else run_id
