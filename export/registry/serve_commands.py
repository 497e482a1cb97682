"""How a version is served and asked, as commands ready to copy."""

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slimtune.training.tracking.uri import SQLITE, URI_VARIABLE, sqlite_url, without_password
from slimtune.training.usual_places import STORE

PORT = 5001
# MLflow shows how far a download has come by a line for each step, which fills a log
QUIET = "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR=false"
# after an alias has moved
KEEPS_SERVING = "a server that runs keeps version {version} until it is started again"


def serve_commands(model_uri: str, uri: str, row: Mapping[str, Any]) -> dict[str, str]:
    """Commands by what they are for.

    Args:
        model_uri: Of the version.
        uri: Of the store that it is registered in.
        row: One that the model takes.
    """
    serve = f"mlflow models serve --model-uri {shlex.quote(model_uri)} --env-manager local --port {PORT}"
    sent = shlex.quote(json.dumps({"dataframe_records": [row]}, ensure_ascii=False))
    header = "-H 'Content-Type: application/json'"
    return {
        "serve it": f"{QUIET} {_named(uri)}{serve}",
        "and ask it there": f"curl http://127.0.0.1:{PORT}/invocations {header} -d {sent}",
    }


def _named(uri: str) -> str:
    """What names the store to MLflow, in whichever shell."""
    shown = f"{SQLITE}{STORE}" if uri == sqlite_url(Path(STORE)) else without_password(uri)
    return f"{URI_VARIABLE}={shlex.quote(shown)} "
