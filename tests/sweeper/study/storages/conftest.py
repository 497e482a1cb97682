"""A new place for studies on each kind of storage."""

import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services import service

KINDS = ["sqlite", "journal", "grpc", "postgresql", "mysql"]


@pytest.fixture(params=KINDS)
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A URL that nobody else has; of a server's database, the studies have names of their own."""
    match request.param:
        case "sqlite":
            yield f"sqlite:///{tmp_path / 'study.db'}"
        case "journal":
            yield f"journal:///{tmp_path / 'study.log'}"
        case "grpc":
            pytest.importorskip("grpc", reason="slimtune[grpc] is not installed")
            yield from proxy(f"sqlite:///{tmp_path / 'study.db'}")
        case name:
            yield service(name)


@pytest.fixture
def study_name() -> str:
    """A name that no study has."""
    return uuid.uuid4().hex


def proxy(storage: str) -> Iterator[str]:
    """Where `slimtune storage-proxy` answers for a storage."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["-m", "slimtune.sweeper.cli", "storage-proxy", "--storage", storage, "--port", str(port)]
    process = subprocess.Popen([sys.executable, *words])
    try:
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"grpc://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()
