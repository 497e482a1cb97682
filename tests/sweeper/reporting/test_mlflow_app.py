"""MLflow's first page, and everything else as MLflow answers it."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

from slimtune.sweeper.reporting.mlflow_app import OPENED, AsgiApp, with_assistant_closed


async def other(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.body", "body": b"MLflow's"})


def answer(app: AsgiApp, path: str) -> bytes:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {}

    asyncio.run(app({"type": "http", "method": "GET", "path": path}, receive, send))
    body: bytes = sent[-1]["body"]
    return body


def test_the_first_page_says_that_the_assistant_was_shown(tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    page.write_text("<html><head><title>MLflow</title></head></html>")
    app = with_assistant_closed(other, page)
    assert OPENED.encode() in answer(app, "/")
    assert b"<title>MLflow</title>" in answer(app, "/")
    assert answer(app, "/api/2.0/mlflow/runs/get") == b"MLflow's"


def test_without_a_page_the_app_is_as_it_is(tmp_path: Path) -> None:
    assert with_assistant_closed(other, tmp_path / "none.html") is other


def test_a_person_is_not_told_what_packages_of_others_owe_each_other(tmp_path: Path) -> None:
    """In a process of its own: the packages warn once, as they are loaded."""
    made = "from slimtune.sweeper.reporting.mlflow_app import create_app; print(create_app().__name__)"
    done = subprocess.run([sys.executable, "-c", made], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.strip() == "answer"
    assert "Deprecat" not in done.stderr
