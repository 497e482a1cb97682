"""Which store registered models are looked up in."""

from pathlib import Path

import pytest

from slimtune.export.predictor import Predictor
from slimtune.export.registry.model_uri import store_of
from slimtune.sweeper.cli import main
from slimtune.training.errors import ModelError
from slimtune.training.tracking.uri import REGISTRY_VARIABLE, URI_VARIABLE, sqlite_url


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder with a store, beside another one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(URI_VARIABLE, raising=False)
    for name in ("mlruns/mlflow.db", "elsewhere/other.db"):
        Path(name).parent.mkdir()
        Path(name).touch()


def test_the_variable_of_mlflow_goes_before_the_store_of_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what is given goes before both; a server is looked for by nobody here."""
    assert store_of(None) == sqlite_url(Path("mlruns/mlflow.db"))
    monkeypatch.setenv(URI_VARIABLE, "sqlite:///elsewhere/other.db")
    assert store_of(None) == sqlite_url(Path("elsewhere/other.db"))
    assert store_of("sqlite:///mlruns/mlflow.db") == sqlite_url(Path("mlruns/mlflow.db"))
    monkeypatch.setenv(URI_VARIABLE, "http://127.0.0.1:1")
    assert store_of(None) == "http://127.0.0.1:1"


def test_a_store_that_is_not_there_is_told_with_what_named_it(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("mlruns/mlflow.db").unlink()
    with pytest.raises(ModelError, match=r"^there is no .*mlruns/mlflow\.db; run the command where the sweep ran"):
        store_of(None)
    with pytest.raises(ModelError, match=r"^the store sqlite:///no\.db: there is no .*no\.db; give"):
        store_of("sqlite:///no.db")
    monkeypatch.setenv(URI_VARIABLE, "sqlite:///no.db")
    with pytest.raises(ModelError, match=r"^MLFLOW_TRACKING_URI in the environment is 'sqlite.*no\.db', and there"):
        store_of(None)


@pytest.mark.parametrize(
    "words",
    [
        ["history", "mine"],
        ["rollback", "mine"],
        ["predict", "--model", "models:/mine@champion", "--text", "x"],
        ["evaluate", "--model", "models:/mine@champion", "--data", "rows.jsonl"],
        ["promote", "models:/mine/1", "--dry-run"],
        ["promote", "models:/mine/1"],
    ],
    ids=" ".join,
)
def test_every_command_looks_where_the_variable_says(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("rows.jsonl").write_text('{"text": "a", "label": "b"}\n')
    monkeypatch.setenv(URI_VARIABLE, "sqlite:///no.db")
    assert main(words) == 2
    told = capsys.readouterr().err
    assert "no.db" in told
    assert "mlruns" not in told


def test_a_predictor_looks_where_the_variable_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(URI_VARIABLE, "sqlite:///no.db")
    with pytest.raises(ModelError, match=r"no\.db"):
        Predictor.open("models:/mine@champion")


def test_another_registry_that_mlflow_would_take_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Without its password; one that is the tracker's own needs no word."""
    monkeypatch.setenv(REGISTRY_VARIABLE, "sqlite:///mlruns/mlflow.db")
    store_of(None)
    assert not caplog.records
    monkeypatch.setenv(REGISTRY_VARIABLE, "http://me:secret@host:5000")
    assert store_of(None) == sqlite_url(Path("mlruns/mlflow.db"))
    (told,) = caplog.messages
    assert told.startswith("MLFLOW_REGISTRY_URI in the environment is 'http://")
    assert "secret" not in told
