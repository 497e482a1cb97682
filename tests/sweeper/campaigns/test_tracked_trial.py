"""A trial without a search is gone on with in the tracker in which it was begun."""

from pathlib import Path

import pytest

from slimtune.sweeper.campaigns.trial_folder.tracked import check_same_tracker, note_tracker
from slimtune.training.config.tracking import mlflow_at
from slimtune.training.errors import ConfigError
from slimtune.training.tracking.uri import EXPERIMENT_VARIABLE, URI_VARIABLE, sqlite_url


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (URI_VARIABLE, EXPERIMENT_VARIABLE):
        monkeypatch.delenv(name, raising=False)


def test_another_tracker_of_the_environment_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And so is another experiment; a key of the config says that it is meant."""
    there, usual = sqlite_url(tmp_path / "other.db"), mlflow_at(None)
    monkeypatch.setenv(URI_VARIABLE, there)
    note_tracker(tmp_path, usual, "mine")
    check_same_tracker(tmp_path, usual, "mine")
    monkeypatch.delenv(URI_VARIABLE)
    with pytest.raises(ConfigError, match=r"the runs so far lie in the store 'sqlite.*other\.db' \(by MLFLOW_T"):
        check_same_tracker(tmp_path, usual, "mine")
    check_same_tracker(tmp_path, mlflow_at(sqlite_url(tmp_path / "third.db")), "mine")
    monkeypatch.setenv(URI_VARIABLE, there)
    monkeypatch.setenv(EXPERIMENT_VARIABLE, "another")
    with pytest.raises(ConfigError, match="MLFLOW_EXPERIMENT_NAME in the environment is 'another'"):
        check_same_tracker(tmp_path, usual, "mine")


def test_a_folder_without_a_note_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the sweep around it has one."""
    note_tracker(tmp_path, mlflow_at(None), "mine")
    monkeypatch.setenv(URI_VARIABLE, sqlite_url(tmp_path / "other.db"))
    (tmp_path / "train").mkdir()
    check_same_tracker(tmp_path / "train", mlflow_at(None), "mine")
