"""Where runs lie, as it is noted and known again."""

from pathlib import Path

import pytest

from slimtune.training.config.tracking import mlflow_at
from slimtune.training.errors import StoreError
from slimtune.training.tracking.places.place import check_store, note_beside, noted_beside, place_of, without_login
from slimtune.training.tracking.uri import EXPERIMENT_VARIABLE, URI_VARIABLE, sqlite_url


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (URI_VARIABLE, EXPERIMENT_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("uri", "known"),
    [
        ("https://me:s3cret@host:5000/", "https://host:5000"),
        ("postgresql://me:p@ss/w?rd@host/db", "postgresql://host/db"),
        ("https://token@host", "https://host"),
        ("postgresql://host/db?password=s3cret&sslmode=off", "postgresql://host/db?sslmode=off"),
        ("sqlite:////a/b@c/runs.db", "sqlite:////a/b@c/runs.db"),
        ("databricks://profile", "databricks://profile"),
    ],
)
def test_a_store_is_known_without_its_login(uri: str, known: str) -> None:
    assert without_login(uri) == known


def test_another_password_is_no_other_store(monkeypatch: pytest.MonkeyPatch) -> None:
    places = []
    for password in ("s3cret", "other"):
        monkeypatch.setenv(URI_VARIABLE, f"https://me:{password}@host")
        places.append(place_of(mlflow_at(None), "a"))
    assert places[0].is_store_of(places[1])
    assert "s3cret" not in str(places[0])


def test_the_source_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key comes before the variable, and nothing is the usual store."""
    assert place_of(mlflow_at(None), "a").uri_source is None
    monkeypatch.setenv(URI_VARIABLE, "https://host")
    monkeypatch.setenv(EXPERIMENT_VARIABLE, "mine")
    found = place_of(mlflow_at(None), "a")
    assert (found.uri_source, found.experiment_source) == (URI_VARIABLE, EXPERIMENT_VARIABLE)
    assert found.experiment == "mine"
    assert place_of(mlflow_at("https://host", "own"), "a")[1::3] == ("tracking.uri", "tracking.experiment")


@pytest.mark.parametrize("uri", [None, "sqlite:///runs.db"])
def test_the_store_of_a_project_that_was_moved_is_the_same(
    uri: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless that of before is still there: then the command was given in another folder."""
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    monkeypatch.chdir(before)
    noted = place_of(mlflow_at(uri), "a")
    before.rename(after)
    monkeypatch.chdir(after)
    now = place_of(mlflow_at(uri), "a")
    assert noted.is_store_of(now)
    path = Path(noted.uri.removeprefix("sqlite:///"))
    path.parent.mkdir(parents=True)
    path.touch()
    assert not noted.is_store_of(now)


def test_a_command_is_told_that_it_would_look_into_another_store(tmp_path: Path) -> None:
    """With what is to be given; what is given is meant, and a bundle's sweep is found above it."""
    there = sqlite_url(tmp_path / "other.db")
    bundle = tmp_path / "sweep" / "export" / "bundle"
    bundle.mkdir(parents=True)
    assert noted_beside(bundle) is None
    note_beside(tmp_path / "sweep", place_of(mlflow_at(there), "a"))
    noted = noted_beside(bundle)
    check_store(noted, "https://host")
    with pytest.raises(StoreError, match="--tracking-uri is not given and MLFLOW_TRACKING_URI is not set") as raised:
        check_store(noted, None)
    assert f"add --tracking-uri {there}" in str(raised.value)


def test_a_broken_note_is_told(tmp_path: Path) -> None:
    (tmp_path / "tracker.json").write_text('{"uri": 1}')
    with pytest.raises(StoreError, match=r"tracker\.json is broken"):
        noted_beside(tmp_path)
