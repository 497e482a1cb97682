"""MLflow's server as `slimtune ui` runs it: its assistant, which covers a third of the page, stays closed at first."""

import warnings
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

# what MLflow 3.17 notes in the browser once it has opened its assistant by itself; one that knows no such note opens it
OPENED = "mlflow.assistant.fab.autoOpenedOnFirstLoad_v1"
SCRIPT = f'<script>localStorage.getItem("{OPENED}")===null&&localStorage.setItem("{OPENED}","true")</script>'
HEAD = "<head>"


def create_app() -> AsgiApp:
    """MLflow's own app, but for its first page; `mlflow server --app-name slimtune` finds it by its entry point."""
    with warnings.catch_warnings():
        # between two packages of others: whoever looks at the UI can do nothing about it
        warnings.filterwarnings("ignore", message="starlette.middleware.wsgi is deprecated")
        from mlflow.server import app as pages
        from mlflow.server.fastapi_app import app

    return with_assistant_closed(app, Path(str(pages.static_folder)) / "index.html")


def with_assistant_closed(app: AsgiApp, page: Path) -> AsgiApp:
    """An app whose first page says that the assistant was shown; without that page, the app as it is.

    Args:
        app: Answers everything else.
        page: The HTML.
    """
    text = page.read_text(encoding="utf-8") if page.is_file() else ""
    if HEAD not in text:
        return app
    body = text.replace(HEAD, HEAD + SCRIPT, 1).encode()
    headers = [(b"content-type", b"text/html; charset=utf-8"), (b"cache-control", b"no-cache")]

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (scope["method"], scope["path"]) != ("GET", "/"):
            await app(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return answer
