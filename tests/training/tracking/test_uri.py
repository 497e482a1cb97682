"""Where a tracker is, and what is told of it, without its password."""

import logging
from pathlib import Path

import pytest

from slimtune.export.registry import mlflow_registry
from slimtune.export.registry.mlflow_registry import find_version, model_tags
from slimtune.training.config.tracking import mlflow_at
from slimtune.training.errors import ModelError, StoreError
from slimtune.training.tracking import mlflow_runs
from slimtune.training.tracking.line import Line, first_line
from slimtune.training.tracking.mlflow_runs import Tracker, check_store_file, client_of
from slimtune.training.tracking.uri import experiment_name, sqlite_url, told_uri, tracking_uri, without_secrets
from tests.training.tracking.fake_store import FakeStore

SECRET = "s3cret/p@ss[word"


def test_what_others_say_of_a_url_is_told_without_its_password() -> None:
    url = f"postgresql://me:{SECRET}@host/d"
    assert SECRET not in without_secrets(f"no such host in {url}: {SECRET}", url)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"no {{'postgresql://me:{SECRET}@host/d'}}", "no {'postgresql://***@host/d'}"),
        (f"(mysql+pymysql://:{SECRET}@/x) is away", "(mysql+pymysql://***@/x) is away"),
        (f"GET https://me:a@b{SECRET}@host: 401", "GET https://***@host: 401"),
        (f"of postgresql://h/d?sslmode=on&password={SECRET}&x=1", "of postgresql://h/d?sslmode=on&password=***&x=1"),
        ("of postgresql://h/d?passfile=/home/me/.pgpass", "of postgresql://h/d?passfile=/home/me/.pgpass"),
        ("sqlite:///a:b@c.db and http://host:5000/x", "sqlite:///a:b@c.db and http://host:5000/x"),
    ],
)
def test_urls_in_a_sentence_lose_their_passwords(text: str, told: str) -> None:
    """Also where nobody knows which URL it is."""
    assert without_secrets(text) == told
    assert first_line(OSError(f"{text}\nmore")) == told


def test_a_tracker_that_is_away_is_told_without_its_password(caplog: pytest.LogCaptureFixture) -> None:
    uri = f"postgresql://me:{SECRET}@host/d"
    line = Line(uri, "e", FakeStore)  # type: ignore[arg-type]
    with caplog.at_level(logging.WARNING):
        line.lost(OSError(f"no password {SECRET} at {uri}"))
    assert "takes nothing now" in caplog.text
    assert SECRET not in f"{caplog.text}{line.why}"


def test_a_registry_is_named_without_its_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database with a password, whose place an empty one takes here."""
    client = client_of(f"sqlite:///{tmp_path / 'mlflow.db'}")
    for module in (mlflow_registry, mlflow_runs):
        monkeypatch.setattr(module, "client_of", lambda _: client)
    uri = f"postgresql://me:{SECRET}@host/d"
    for ask in (model_tags, find_version):
        with pytest.raises(ModelError) as told:
            ask(uri, "models:/tiny/1")
        assert "postgresql://..." in str(told.value)
        assert SECRET not in str(told.value)


def test_without_a_key_the_tracker_is_the_one_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As MLflow's own clients find it; a key goes first, and an empty variable is none."""
    monkeypatch.chdir(tmp_path)
    assert tracking_uri(None) == sqlite_url(Path("mlruns/mlflow.db"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert tracking_uri(None) == "http://127.0.0.1:9"
    assert tracking_uri("sqlite:///own.db") == sqlite_url(Path("own.db"))
    assert told_uri("http://127.0.0.1:9") == "MLFLOW_TRACKING_URI in the environment is 'http://127.0.0.1:9'"
    assert told_uri("http://127.0.0.1:10").startswith("tracking.uri is")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    assert tracking_uri(None) == sqlite_url(Path("mlruns/mlflow.db"))


def test_without_a_key_the_experiment_is_the_one_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert experiment_name(None, "tone") == "tone"
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "prod")
    assert experiment_name(None, "tone") == "prod"
    assert experiment_name("mine", "tone") == "mine"


def test_a_run_goes_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'own.db'}")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "prod")
    assert Tracker(mlflow_at(None), "tone").link()
    (found,) = client_of(tracking_uri(None)).search_experiments(filter_string="name = 'prod'")
    assert found.lifecycle_stage == "active"
    assert not Path("mlruns").exists()


def test_a_password_in_the_environments_address_is_refused_and_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://me:hush@mlflow.example.org")
    with pytest.raises(StoreError, match="MLFLOW_TRACKING_USERNAME") as raised:
        check_store_file(tracking_uri(None))
    assert "hush" not in str(raised.value)


def test_a_database_without_a_scheme_is_told_with_its_url() -> None:
    with pytest.raises(StoreError, match=r"has no scheme; a file of SQLite is sqlite:///runs\.db"):
        check_store_file("runs.db")
    with pytest.raises(StoreError, match="a folder, where MLflow keeps no runs"):
        check_store_file("runs")
