import json
import shlex
from pathlib import Path

import pytest

from slimtune.export.registry.serve_commands import QUIET, serve_commands
from slimtune.training.tracking.uri import URI_VARIABLE, sqlite_url


@pytest.mark.parametrize(
    ("store", "named"),
    [
        (sqlite_url(Path("mlruns/mlflow.db")), "MLFLOW_TRACKING_URI=sqlite:///mlruns/mlflow.db"),
        ("http://127.0.0.1:5000", "MLFLOW_TRACKING_URI=http://127.0.0.1:5000"),
    ],
)
def test_commands_can_be_run_as_they_are(store: str, named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Quotes in a column's name and blanks in the model's too."""
    monkeypatch.delenv(URI_VARIABLE, raising=False)
    row = {"what's said": "..."}
    serve, ask = serve_commands("models:/my mood@champion", store, row).values()
    quiet, *words = shlex.split(serve)
    assert quiet == QUIET
    assert words[:6] == [named, "mlflow", "models", "serve", "--model-uri", "models:/my mood@champion"]
    assert json.loads(shlex.split(ask)[-1]) == {"dataframe_records": [row]}


def test_a_store_that_the_environment_names_is_named_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is copied into another shell would serve another model of the same name."""
    monkeypatch.setenv(URI_VARIABLE, "http://127.0.0.1:5000")
    serve = serve_commands("models:/mood/1", "http://127.0.0.1:5000", {})["serve it"]
    assert serve.startswith(f"{QUIET} {URI_VARIABLE}=http://127.0.0.1:5000 mlflow models serve")
