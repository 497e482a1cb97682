"""What is told of a store, without its password."""

import logging
from pathlib import Path

import pytest

from slimtune.export.registry import mlflow_registry
from slimtune.export.registry.mlflow_registry import find_version, model_tags
from slimtune.training.errors import ModelError
from slimtune.training.tracking import mlflow_runs
from slimtune.training.tracking.line import Line, first_line
from slimtune.training.tracking.mlflow_runs import client_of
from slimtune.training.tracking.uri import without_secrets
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
