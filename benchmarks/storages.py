"""The storages that searches are measured on."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def places(folder: Path) -> Iterator[tuple[str, str]]:
    """Kinds of storages that are there, each with a new one in a folder."""
    folder.mkdir(exist_ok=True)
    yield "SQLite", f"sqlite:///{folder / 'study.db'}"
    with served(f"sqlite:///{folder / 'served.db'}") as url:
        yield "SQLite behind a proxy", url
    yield "journal", f"journal:///{folder / 'study.log'}"
    for kind, name in (("PostgreSQL", "SLIMTUNE_TEST_POSTGRESQL"), ("MariaDB", "SLIMTUNE_TEST_MYSQL")):
        if name in os.environ:
            yield kind, os.environ[name]


@contextmanager
def served(storage: str) -> Iterator[str]:
    """Where `slimtune storage-proxy` answers for a storage."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["-m", "slimtune.sweeper.cli", "storage-proxy", "--storage", storage, "--port", str(port)]
    with subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True) as process:
        # it waits for an answer as long as the proxy takes to begin
        print(process.stdout.readline().strip(), file=sys.stderr)
        try:
            yield f"grpc://127.0.0.1:{port}"
        finally:
            process.terminate()
