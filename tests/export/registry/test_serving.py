"""`mlflow models serve`, as the docs have it."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from slimtune.export.pipeline import ExportResult
from slimtune.sweeper.cli import main

pytestmark = pytest.mark.slow


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def asked(port: int, body: dict[str, Any]) -> tuple[int, Any]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/invocations",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def wait_for(port: int, process: subprocess.Popen[str]) -> None:
    for _ in range(600):
        assert process.poll() is None, process.communicate()
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=2).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("it does not answer")


def test_a_champion_is_served(exported: ExportResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Labels and their probabilities for texts; a row that cannot be read is a bad request with a message."""
    assert exported.bundle is not None
    monkeypatch.chdir(tmp_path)
    assert main(["promote", str(exported.bundle.folder), "--name", "tiny"]) == 0
    port = free_port()
    command = ["models", "serve", "--model-uri", "models:/tiny@champion", "--env-manager", "local", "--port", str(port)]
    process = subprocess.Popen(
        [sys.executable, "-m", "mlflow", *command],
        # MLflow starts its server by a name on the path, as in a venv that is active
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path / 'mlruns' / 'mlflow.db'}",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_for(port, process)
        code, answer = asked(port, {"dataframe_records": [{"text": "good soup"}, {"text": "awful table"}]})
        refused, why = asked(port, {"dataframe_records": [{"txt": "good soup"}]})
    finally:
        process.terminate()
        process.communicate(timeout=30)
    assert code == 200
    assert [row["label"] for row in answer["predictions"]] == ["plus", "minus"]
    assert all(0 <= row["probability"] <= 1 for row in answer["predictions"])
    assert refused == 400
    assert "text" in why["message"]
