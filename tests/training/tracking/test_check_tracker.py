"""What a tracker will refuse is told before the first trial."""

import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mlflow.exceptions import MlflowException

from slimtune.sweeper.campaigns.places import Places, place_checks
from slimtune.training.config.trial import parse_trial
from slimtune.training.errors import StoreError, found_by
from slimtune.training.tracking import mlflow_runs
from slimtune.training.tracking.uri import sqlite_url


class Store:
    """In the place of MLflow's client; knows an experiment that was deleted."""

    def get_experiment_by_name(self, name: str) -> Any:
        if name == "closed":
            raise MlflowException("you may not look at it\nor so")
        states = {"gone": "deleted", "mine": "active"}
        return SimpleNamespace(lifecycle_stage=states[name]) if name in states else None


@pytest.fixture
def told(tmp_path: Path, config_of: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What is told of a store and an experiment in it."""
    monkeypatch.setattr(mlflow_runs, "client_of", lambda _: Store())

    def ask(uri: str, experiment: str, *more: str) -> list[str]:
        config = parse_trial(config_of("tracking=mlflow", f"tracking.uri={uri}", *more)).section
        places = Places(tmp_path / "new", 1, experiment=experiment)
        return [str(error) for error in found_by(place_checks(places, config))]

    return ask


def test_an_experiment_that_was_deleted_is_told(told: Any, tmp_path: Path) -> None:
    """By whichever key it is named; one that is there, or will be made, is fine."""
    with closing(sqlite3.connect(tmp_path / "m.db")) as database:
        database.execute("CREATE TABLE experiments (name TEXT)")
    uri, said = sqlite_url(tmp_path / "m.db"), "tracking.experiment 'gone' was deleted in MLflow; restore it or take"
    assert [one.startswith(said) for one in told(uri, "gone")] == [True]
    assert [one.startswith(said) for one in told(uri, "mine", "tracking.experiment=gone")] == [True]
    assert told(uri, "mine") == told(uri, "new") == told(uri, "gone", "tracking=none") == []
    assert "which does not answer: you may not look at it" in told(uri, "closed")[0]


def test_a_store_that_is_not_there_is_not_made(told: Any, tmp_path: Path) -> None:
    before = {*tmp_path.rglob("*")}
    assert told(sqlite_url(tmp_path / "new" / "m.db"), "gone") == []
    assert {*tmp_path.rglob("*")} == before


def test_a_server_that_does_not_answer_is_told_in_a_moment(told: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own client would try for minutes."""
    monkeypatch.setattr(mlflow_runs, "why_unreachable_at", lambda url: f"{url} cannot be reached: refused")
    (said,) = told("http://tracker:5000", "mine")
    assert said.startswith("tracking.uri is 'http://tracker:5000', which does not answer: http://tracker:5000 cannot")


def test_a_server_that_is_away_stops_no_sweep_that_is_under_way_and_none_offline(
    told: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What they log waits on disk; a beginning is told how to do the same."""
    monkeypatch.setattr(mlflow_runs, "why_unreachable_at", lambda _: "refused")
    (said,) = told("http://tracker:5000", "mine")
    assert said.endswith("start it, or add tracking.mode=offline: then all waits on disk until slimtune sync")
    assert told("http://tracker:5000", "mine", "tracking.mode=offline") == []
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "command.json").write_text("{}")
    assert told("http://tracker:5000", "mine") == []


def test_a_file_of_another_version_is_told(tmp_path: Path, config_of: Any) -> None:
    (tmp_path / "m.db").write_text("no database" * 100)
    uri = sqlite_url(tmp_path / "m.db")
    config = parse_trial(config_of("tracking=mlflow", f"tracking.uri={uri}")).section
    with pytest.raises(StoreError, match=r"m\.db', and .*m\.db is no SQLite database; bring MLflow's file back"):
        mlflow_runs.check_tracker(config.tracking, "mine")
