"""MLflow's first page, and everything else as MLflow answers it."""

import asyncio
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
