"""How long a server is waited for: briefly, and for a file as long as a slow store takes for it."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from mlflow.environment_variables import MLFLOW_HTTP_REQUEST_TIMEOUT
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.http_artifact_repo import HttpArtifactRepository

from slimtune.training.tracking import mlflow_run
from slimtune.training.tracking.mlflow_run import WAIT_SECONDS, fetching, sending, waiting_briefly


@pytest.fixture(autouse=True)
def nobody_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_TIMEOUT", raising=False)
    waiting_briefly()


def of_size(path: Path, num_bytes: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(num_bytes)
    return path


def test_a_large_file_is_waited_for_by_its_size_and_nothing_else_is(tmp_path: Path) -> None:
    """Of a folder the largest file; what is under way at once in other threads ends for itself."""
    large = of_size(tmp_path / "all" / "deep" / "large", 2_000_000_000)
    of_size(tmp_path / "all" / "small", 10)
    assert MLFLOW_HTTP_REQUEST_TIMEOUT.get() == WAIT_SECONDS
    with sending(tmp_path / "all" / "small"):
        assert MLFLOW_HTTP_REQUEST_TIMEOUT.get() == WAIT_SECONDS
        first, second = sending(large), sending(tmp_path / "all")
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert MLFLOW_HTTP_REQUEST_TIMEOUT.get() == WAIT_SECONDS + 2000
        second.__exit__(None, None, None)
        assert MLFLOW_HTTP_REQUEST_TIMEOUT.get() == WAIT_SECONDS
    with fetching():
        assert MLFLOW_HTTP_REQUEST_TIMEOUT.get() > WAIT_SECONDS
    assert MLFLOW_HTTP_REQUEST_TIMEOUT.get() == WAIT_SECONDS


def test_what_the_user_says_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "7")
    with fetching():
        assert MLFLOW_HTTP_REQUEST_TIMEOUT.get() == 7


class Slow(BaseHTTPRequestHandler):
    """A server that answers once it has stored the file."""

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(1.5)
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def slow() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/api/2.0/mlflow-artifacts/artifacts"
        server.shutdown()


def test_a_server_that_stores_for_longer_than_it_may_be_silent_gets_the_file(
    slow: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setattr(mlflow_run, "WAIT_SECONDS", 1)
    monkeypatch.setattr(mlflow_run, "_waits", mlflow_run._Waits())
    monkeypatch.setattr(mlflow_run, "BYTES_A_SECOND", 100)
    waiting_briefly()
    repository, file = HttpArtifactRepository(slow), of_size(tmp_path / "weights", 2000)
    with pytest.raises(MlflowException, match="timeout"):
        repository.log_artifact(str(file))
    with sending(file):
        repository.log_artifact(str(file))
