import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR, RESOURCE_DOES_NOT_EXIST

from slimtune.export.registry import mlflow_registry
from slimtune.export.registry.mlflow_registry import has_model, is_registered
from slimtune.training.config.tracking import TrackingConfig, mlflow_at
from slimtune.training.errors import StoreError
from slimtune.training.tracking import mlflow_runs
from slimtune.training.tracking.journal import KEY_TAG
from slimtune.training.tracking.line import TrackerAway
from slimtune.training.tracking.mlflow_runs import (
    Tracker,
    check_store_file,
    client_of,
    download_run_folder,
    run_data,
    run_in,
)
from slimtune.training.tracking.outbox_run import RUN_NAME
from slimtune.training.tracking.run import MetricPoint, TrackedSplit
from slimtune.training.tracking.uri import has_password, tracking_uri
from tests.conftest import make_lineage


def config_at(folder: Path) -> TrackingConfig:
    return mlflow_at(f"sqlite:///{folder / 'mlflow.db'}")


@pytest.mark.slow
def test_a_run_goes_on_without_a_point_twice(tmp_path: Path) -> None:
    """The run of a killed trial takes only what it has not got yet; params and tags may be written again."""
    tracker = Tracker(config_at(tmp_path), "e")
    parent = tracker.start(make_lineage(tmp_path))
    first = tracker.start(make_lineage(tmp_path, parent_run_id=parent.run_id))
    first.log_params({"fit.learning_rate": 0.000123456, "x": None})
    first.log_points([MetricPoint("loss", 1.0, 10, 1), MetricPoint("loss", 0.5, 20, 2)])
    again = tracker.start(make_lineage(tmp_path, parent_run_id=parent.run_id, run_id=first.run_id))
    assert again.run_id == first.run_id
    again.log_params({"fit.learning_rate": 0.000123456, "x": None})
    again.log_points(
        [MetricPoint("loss", 1.0, 10, 3), MetricPoint("loss", 0.5, 20, 4), MetricPoint("loss", 0.25, 30, 5)]
    )
    again.log_data([TrackedSplit("train", "d", "rows.jsonl", "abcdef0123456789", {"num_rows": 3})])
    again.set_tags({RUN_NAME: "t05"})
    again.end(state="pruned")
    client = client_of(config_at(tmp_path).uri or "")
    assert first.run_id is not None
    history = client.get_metric_history(first.run_id, "loss")
    assert [(point.step, point.value) for point in history] == [(10, 1.0), (20, 0.5), (30, 0.25)]
    run = client.get_run(first.run_id)
    assert run.info.status == "FINISHED", "a pruned trial is no failure"
    assert run.data.tags["state"] == "pruned"
    assert run.info.run_name == "t05"
    assert run.data.tags["mlflow.parentRunId"] == parent.run_id
    assert run.data.params["fit.learning_rate"] == "0.0001235"
    found = run_data(config_at(tmp_path).uri or "", first.run_id)
    assert found is not None
    assert (found.params["fit.learning_rate"], found.metrics["loss"], found.tags["state"]) == (
        "0.0001235",
        0.25,
        "pruned",
    )
    assert run_data(config_at(tmp_path).uri or "", "0" * 32) is None
    (data,) = run.inputs.dataset_inputs
    assert json.loads(data.dataset.profile) == {"sha256": "abcdef0123456789", "num_rows": 3}
    assert (data.dataset.name, data.tags[0].value) == ("d train", "train")


@pytest.mark.slow
def test_a_store_that_does_not_answer_is_a_clear_error() -> None:
    with pytest.raises(StoreError, match=r"tracking\.uri is 'nonsense://x', which MLflow does not know"):
        client_of("nonsense://x")


ASKED: list[Callable[[str], Any]] = [
    lambda uri: run_in(uri, "a"),
    lambda uri: run_in(uri, "queued-a"),
    lambda uri: run_data(uri, "a"),
    lambda uri: download_run_folder(uri, "a", "checkpoint"),
    lambda uri: has_model(uri, "a") or None,
    lambda uri: is_registered(uri, "a", "1") or None,
]


@pytest.mark.parametrize("ask", ASKED)
def test_what_is_not_there_is_none_and_a_server_that_is_away_an_error(
    ask: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a command would end well, or promote a model without a comparison, for nobody answered."""

    class Client:
        def __getattr__(self, name: str) -> Callable[..., Any]:
            def fail(*given: object, **named: object) -> list[Any]:
                if name.startswith("search") and code == RESOURCE_DOES_NOT_EXIST:
                    return []
                raise MlflowException("try again", error_code=code)

            return fail

    for module in (mlflow_runs, mlflow_registry):
        monkeypatch.setattr(module, "client_of", lambda _: Client())
    code = RESOURCE_DOES_NOT_EXIST
    assert ask("http://me:secret@host") is None
    code = INTERNAL_ERROR
    with pytest.raises(TrackerAway, match=r"which does not answer: .*try again"):
        ask("http://host")


@pytest.mark.slow
def test_a_run_that_was_noted_by_its_key_is_found_once_the_store_has_it(tmp_path: Path) -> None:
    """In whichever experiment; one that was deleted is not written on."""
    uri = config_at(tmp_path).uri or ""
    tracker = Tracker(config_at(tmp_path), "e")
    assert run_in(uri, "queued-k") is None
    made = tracker.create("x", {KEY_TAG: "k"}, parent_run_id=None)
    found = run_in(uri, "queued-k")
    assert found is not None
    assert found.run_id == made
    read = run_data(uri, "queued-k")
    assert read is not None
    assert read.tags[KEY_TAG] == "k"
    assert download_run_folder(uri, "queued-k", "checkpoint") is None
    tracker.delete(made)
    assert run_in(uri, made) is None


def test_a_kind_of_server_that_another_package_knows_is_told_with_it() -> None:
    with pytest.raises(
        StoreError, match=r"^tracking\.uri is 'azureml://x', which needs .*: pip install azureml-mlflow$"
    ):
        check_store_file("azureml://x")


@pytest.mark.parametrize("uri", ["runs", "./mlruns", "file:/somewhere/mlruns", "file:///somewhere/mlruns"])
def test_a_folder_of_runs_is_told_before_mlflow_is_asked(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE", raising=False)
    with pytest.raises(StoreError, match=r"tracking\.uri is '.*runs', a folder, where MLflow keeps no runs any more"):
        check_store_file(uri)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    check_store_file(uri)


@pytest.mark.parametrize("uri", ["sqlite:///runs.db", "http://127.0.0.1:5000", "databricks", "databricks://profile"])
def test_databases_and_servers_are_no_folders(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE", raising=False)
    check_store_file(uri)


def test_the_default_store_is_an_absolute_path_under_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert tracking_uri(None) == f"sqlite:///{tmp_path}/mlruns/mlflow.db"
    assert tracking_uri("http://host") == "http://host"


@pytest.mark.parametrize(
    ("uri", "found"),
    [("http://me:pw@host", True), ("http://me@host", False), ("sqlite:///x.db", False), ("postgresql://a:b@h/d", True)],
)
def test_passwords_in_urls_are_seen(uri: str, found: bool) -> None:
    assert has_password(uri) is found
