"""What happens around a sweep: stores that are deleted, folders that are moved, names with any sign."""

import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

from slimtune.export.registry.mlflow_registry import FilesGone, RegisteredVersion, fetch, is_registered
from slimtune.sweeper.campaigns.winner_stages import always, found_in, has_bundle, name_in, once
from slimtune.sweeper.finalist import Finalist, Run, lies_at
from slimtune.sweeper.reporting.parent_run import open_parent
from slimtune.sweeper.search_config import study_url
from slimtune.sweeper.study import Lease, Study
from slimtune.sweeper.study.record import PARENT_RUN, RUN_ID
from slimtune.training.config.tracking import TrackingConfig, mlflow_at
from slimtune.training.tracking.mlflow_runs import Tracker, client_of, download_run_folder
from slimtune.training.tracking.uri import sqlite_path, sqlite_url, tracking_uri
from tests.cases.sweep_requests import RequestOf, request_of
from tests.conftest import make_lineage
from tests.sweeper.study.specs import make_spec

__all__ = ["request_of"]

# a folder that a person may well have
ODD = '50%20 what? #é😀 it\'s "q" & $x'


class Store:
    """A store with one sweep's run, one trial's run with a checkpoint, and a registered version."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.uri = sqlite_url(folder / "mlruns" / "mlflow.db")
        config = self.config()
        tracker = Tracker(config, "a sweep")
        self.parent = tracker.start(make_lineage(folder)).run_id or ""
        trial = tracker.start(make_lineage(folder, parent_run_id=self.parent))
        self.trial = trial.run_id or ""
        (folder / "made").mkdir(parents=True)
        (folder / "made" / "weights").write_text("w")
        trial.log_folder(folder / "made", "checkpoint")
        client = client_of(self.uri)
        client.create_registered_model("it's")
        source = (folder / "mlruns" / "artifacts" / "a sweep" / self.trial / "artifacts" / "checkpoint").as_uri()
        self.version = RegisteredVersion("it's", str(client.create_model_version("it's", source=source).version))
        client.set_registered_model_alias("it's", "champion", self.version.version)

    def config(self) -> TrackingConfig:
        return mlflow_at(self.uri)

    def at(self, folder: Path) -> "Store":
        """The same store in another folder; the first one is left alone."""
        shutil.copytree(self.folder / "mlruns", folder / "mlruns")
        other = object.__new__(Store)
        other.__dict__ = {**self.__dict__, "folder": folder, "uri": sqlite_url(folder / "mlruns" / "mlflow.db")}
        return other


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("project"))


@pytest.fixture
def store(made_once: Store, tmp_path: Path) -> Store:
    made = made_once.at(tmp_path / "work")
    client_of(made.uri)
    return made


def begun(folder: Path, store: Store) -> Study:
    """A study whose one trial has the store's run."""
    study = Study(make_spec(folder))
    with Lease(study) as lease:
        asked = study.ask(lease.worker)
        assert asked is not None
        study.set_trial_attr(asked.number, RUN_ID, store.trial)
        study.complete(asked.number, 0.5)
    study.set_attr(PARENT_RUN, store.parent)
    return study


# deleted


def test_t1_a_deleted_parent_run_is_followed_by_a_new_one(
    request_of: RequestOf, store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The runs of trials that are left become its children; the trials themselves stand in the study."""
    client_of(store.uri).delete_run(store.parent)
    study = begun(tmp_path, store)
    opened = open_parent(request_of(), study, store.config())
    assert opened.run.run_id not in (None, store.parent)
    assert study.attrs()[PARENT_RUN] == opened.run.run_id
    tags = client_of(store.uri).get_run(store.trial).data.tags
    assert tags["mlflow.parentRunId"] == opened.run.run_id
    assert "was deleted, and 0 of 1 run of a trial: " in capsys.readouterr().err


def test_t1_a_store_that_knows_none_of_the_runs(
    request_of: RequestOf, store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As after `mlruns` was removed, or with another tracking.uri."""
    study = begun(tmp_path, store)
    study.set_attr(PARENT_RUN, "0" * 32)
    client_of(store.uri).delete_run(store.trial)
    opened = open_parent(request_of(), study, store.config())
    assert opened.run.run_id is not None
    assert "and 1 of 1 run of a trial: " in capsys.readouterr().err
    again = open_parent(request_of(), study, store.config())
    assert again.run.run_id == opened.run.run_id, "it is the sweep's run from now on"


def test_t1_a_trial_that_is_tried_again_gets_a_new_run_if_its_own_was_deleted(store: Store) -> None:
    tracker = Tracker(store.config(), "a sweep")
    assert tracker.start(make_lineage(store.folder, run_id=store.trial)).run_id == store.trial
    for gone in (store.trial, "0" * 32):
        if gone == store.trial:
            tracker.delete(gone)
        assert tracker.start(make_lineage(store.folder, run_id=gone)).run_id not in (None, gone)


def test_t1_what_was_registered_or_exported_is_made_again_if_it_is_gone(store: Store, tmp_path: Path) -> None:
    study = Study(make_spec(tmp_path))
    made = []

    def make() -> dict[str, Any]:
        made.append(1)
        return {"bundle": str(tmp_path / "export" / "bundle")}

    for _ in range(2):
        once(study, "export", "key", make, is_there=lambda stage: has_bundle(stage, tmp_path))
        (tmp_path / "export" / "bundle").mkdir(parents=True, exist_ok=True)
    assert len(made) == 1, "there, so it is not made again"
    shutil.rmtree(tmp_path / "export")
    once(study, "export", "key", make, is_there=lambda stage: has_bundle(stage, tmp_path))
    assert len(made) == 2
    once(study, "test", "key", dict, is_there=always)
    assert is_registered(store.uri, "it's", store.version.version)
    assert not is_registered(store.uri, "it's", "99")
    assert not is_registered(store.uri, "other", "1")


def test_t1_the_champions_files_are_gone(store: Store) -> None:
    """One message, which names the version; another model may take its place."""
    shutil.rmtree(store.folder / "mlruns" / "artifacts")
    with pytest.raises(FilesGone, match="the files of models:/it's/1 are gone"):
        fetch(store.uri, "models:/it's@champion")


# moved


def test_a_store_that_was_moved_names_its_artifacts_where_they_are(made_once: Store, tmp_path: Path) -> None:
    """Also in a folder whose name means something to URLs and shells."""
    moved = made_once.at(tmp_path / ODD)
    found = download_run_folder(moved.uri, moved.trial, "checkpoint")
    assert found is not None
    assert (found / "weights").read_text() == "w"
    run = client_of(moved.uri).get_run(moved.trial)
    assert run.info.artifact_uri.startswith((tmp_path / ODD / "mlruns" / "artifacts").as_uri())
    source = client_of(moved.uri).get_model_version_download_uri("it's", moved.version.version)
    assert source.startswith((tmp_path / ODD).as_uri())
    Tracker(moved.config(), "a sweep").start(make_lineage(tmp_path)).log_text("new", "note.txt")
    assert list((tmp_path / ODD).rglob("note.txt"))
    assert not list(made_once.folder.rglob("note.txt"))
    assert [path.name for path in tmp_path.iterdir()] == [ODD], "and no folder of the name's URL"


def test_a_checkpoint_is_found_in_a_sweep_that_was_moved(tmp_path: Path) -> None:
    """Also where a copy is left behind: the sweep's own is taken."""
    for name in ("old", "new"):
        (tmp_path / name / "trials" / "0" / "checkpoint-8").mkdir(parents=True)
    was = tmp_path / "old" / "trials" / "0" / "checkpoint-8"
    assert lies_at(was, tmp_path / "new") == tmp_path / "new" / "trials" / "0" / "checkpoint-8"
    assert lies_at(was, tmp_path / "gone") == was
    finalist = Finalist(0, {}, [Run(0.5, was, None)]).found_in(tmp_path / "new")
    assert finalist.runs[0].checkpoint.is_relative_to(tmp_path / "new")
    assert name_in(tmp_path / "old", was) == name_in(tmp_path / "new", finalist.runs[0].checkpoint)


def test_a_bundle_is_found_in_a_sweep_that_was_moved(tmp_path: Path) -> None:
    (tmp_path / "new" / "export" / "bundle").mkdir(parents=True)
    exported = {"bundle": str(tmp_path / "old" / "export" / "bundle"), "chosen": "fp16"}
    assert has_bundle(exported, tmp_path / "new")
    assert not has_bundle(exported, tmp_path / "elsewhere")
    assert found_in(exported, tmp_path / "new")["bundle"] == str(tmp_path / "new" / "export" / "bundle")


# names


@pytest.mark.parametrize("name", ["50%", "50%20", "what?", "a#b", "a b", "it's", 'q"q', "é😀", "a;b&c=d", "$x"])
def test_a_study_lies_in_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    url = study_url(folder)
    assert sqlite_path(url) == folder / "study.db"
    assert tracking_uri(url) == url
    study = Study(_at(folder, url, name))
    study.set_attr("key", "value")
    assert (folder / "study.db").is_file()
    assert Study(_at(folder, url, name)).attrs()["key"] == "value"


def _at(folder: Path, url: str, name: str) -> Any:
    from dataclasses import replace

    return replace(make_spec(folder), storage=url, name=name)


def test_an_ordinary_path_is_an_ordinary_url(tmp_path: Path) -> None:
    assert sqlite_url(tmp_path / "m.db") == f"sqlite:///{tmp_path / 'm.db'}"
    assert tracking_uri("http://127.0.0.1:5000/?a=b") == "http://127.0.0.1:5000/?a=b"


def test_the_command_that_resumes_is_the_command(request_of: RequestOf) -> None:
    """As a shell splits it, Hydra's own overrides among them."""
    given = ["hydra/launcher=joblib", "search.num_workers=2", 'data.text_column="a b"', "fit.schedule=linear,cosine"]
    request = request_of(*given)
    again = shlex.split(shlex.join(request.command_line()))
    assert set(given) <= set(again)
    assert not [line for line in again if line.startswith("hydra.mode")]
