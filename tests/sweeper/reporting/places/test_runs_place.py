"""A sweep's runs stay in the tracker and the experiment in which it was begun, unless it is told to leave them."""

from pathlib import Path

import pytest

from slimtune.sweeper.reporting.parent_run import open_parent
from slimtune.sweeper.reporting.places.runs_place import check_known_place, check_same_place, note_place
from slimtune.sweeper.search.request import SweepRequest
from slimtune.sweeper.study import Study
from slimtune.sweeper.study.record import PARENT_RUN, PLACE
from slimtune.training.config.tracking import TrackingConfig, mlflow_at
from slimtune.training.config.trial import parse_trial
from slimtune.training.errors import ConfigError
from slimtune.training.tracking.places.place import place_of
from slimtune.training.tracking.uri import EXPERIMENT_VARIABLE, URI_VARIABLE, sqlite_url
from tests.cases.sweep_requests import RequestOf, request_of
from tests.sweeper.study.specs import make_spec, spec_of

__all__ = ["request_of"]


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (URI_VARIABLE, EXPERIMENT_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def tracking_of(request: SweepRequest) -> TrackingConfig:
    return parse_trial(request.tried).section.tracking


def begun(folder: Path, request: SweepRequest) -> Study:
    """A study whose runs lie where the environment says."""
    study = Study(make_spec(folder))
    note_place(study, folder, place_of(tracking_of(request), "mine"))
    return study


def refused(study: Study, request: SweepRequest) -> str:
    with pytest.raises(ConfigError) as raised:
        check_same_place(study.attrs(), request, tracking_of(request))
    return str(raised.value)


def test_another_tracker_is_told_with_the_repair(
    request_of: RequestOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Begun under a variable, and gone on with in a shell without it; or under another one."""
    there = sqlite_url(tmp_path / "other.db")
    monkeypatch.setenv(URI_VARIABLE, there)
    request = request_of("tracking=mlflow")
    study = begun(tmp_path, request)
    check_same_place(study.attrs(), request, tracking_of(request))
    monkeypatch.delenv(URI_VARIABLE)
    told = refused(study, request)
    assert "tracking.uri is not given and MLFLOW_TRACKING_URI is not set" in told
    assert f"lie in the store '{there}' (by MLFLOW_TRACKING_URI)" in told
    assert f"set MLFLOW_TRACKING_URI={there} again" in told
    assert "mlruns/mlflow.db" in told.rpartition("tracking.uri=")[2]
    monkeypatch.setenv(URI_VARIABLE, "https://host")
    assert "MLFLOW_TRACKING_URI in the environment is 'https://host'" in refused(study, request)
    assert not (tmp_path / "mlruns").exists()


def test_the_usual_store_is_not_left_for_a_variable(
    request_of: RequestOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = request_of("tracking=mlflow")
    study = begun(tmp_path, request)
    monkeypatch.setenv(URI_VARIABLE, "https://host")
    assert "unset MLFLOW_TRACKING_URI" in refused(study, request)


def test_a_key_that_is_left_out_is_told(request_of: RequestOf, tmp_path: Path) -> None:
    study = begun(tmp_path, request_of("tracking=mlflow", "tracking.uri=https://host"))
    assert "give tracking.uri=https://host again" in refused(study, request_of("tracking=mlflow"))


def test_another_experiment_is_told(request_of: RequestOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(EXPERIMENT_VARIABLE, "theirs")
    request = request_of("tracking=mlflow")
    study = begun(tmp_path, request)
    monkeypatch.delenv(EXPERIMENT_VARIABLE)
    told = refused(study, request)
    assert "so the experiment would be 'mine'" in told
    assert "set MLFLOW_EXPERIMENT_NAME=theirs again" in told


@pytest.mark.parametrize("line", ["tracking.uri=https://host", "tracking.uri=sqlite:///own.db"])
def test_what_the_command_line_names_is_meant(request_of: RequestOf, tmp_path: Path, line: str) -> None:
    study = begun(tmp_path, request_of("tracking=mlflow"))
    request = request_of("tracking=mlflow", line)
    check_same_place(study.attrs(), request, tracking_of(request))


def test_what_it_takes_from_the_environment_is_not(
    request_of: RequestOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_STORE", "https://host")
    study = begun(tmp_path, request_of("tracking=mlflow"))
    assert "leave tracking.uri out" in refused(study, request_of("tracking=mlflow", "tracking.uri=${oc.env:MY_STORE}"))


def test_without_a_tracker_or_a_note_nothing_is_compared(
    request_of: RequestOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = request_of("tracking=mlflow")
    study = begun(tmp_path, request)
    monkeypatch.setenv(URI_VARIABLE, "https://host")
    check_same_place(study.attrs(), request_of("tracking=none"), tracking_of(request_of("tracking=none")))
    check_same_place({}, request, tracking_of(request))


def test_a_study_in_a_file_is_looked_at_before_it_is_opened(
    request_of: RequestOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = request_of("tracking=mlflow")
    check_known_place(request, tracking_of(request))
    study = Study(spec_of(name="mine", storage=request.storage))
    note_place(study, tmp_path, place_of(tracking_of(request), "mine"))
    check_known_place(request, tracking_of(request))
    monkeypatch.setenv(URI_VARIABLE, "https://host")
    with pytest.raises(ConfigError, match="unset"):
        check_known_place(request, tracking_of(request))


@pytest.mark.slow
@pytest.mark.parametrize("other", ["store", "experiment"])
def test_a_sweep_that_is_told_to_move_says_so(
    request_of: RequestOf, tmp_path: Path, capsys: pytest.CaptureFixture[str], other: str
) -> None:
    """Its runs were not deleted, and stay where they are."""
    store = sqlite_url(tmp_path / "first.db")
    study = Study(make_spec(tmp_path))
    first = open_parent(request_of(), study, mlflow_at(store)).run
    assert study.attrs()[PLACE]["uri"] == store
    moved = mlflow_at(sqlite_url(tmp_path / "second.db")) if other == "store" else mlflow_at(store, "theirs")
    second = open_parent(request_of(), study, moved).run
    told = capsys.readouterr().err
    assert second.run_id != first.run_id == first.run_id
    assert study.attrs()[PARENT_RUN] == second.run_id
    assert "goes on in another" in told
    assert "was deleted" not in told
    assert open_parent(request_of(), study, moved).run.run_id == second.run_id
