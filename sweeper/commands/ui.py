"""`slimtune ui`: the MLflow UI over the local store, on this machine only."""

import argparse
import os
import sys
from collections.abc import Sequence

from slimtune.training.errors import StoreError
from slimtune.training.tracking.uri import sqlite_path, tracking_uri

HOST = "127.0.0.1"


def run(arguments: Sequence[str]) -> int:
    """Replace this process by the server.

    Raises:
        StoreError: There is no store here.
    """
    options = _parser().parse_args(arguments)
    uri = tracking_uri(options.tracking_uri)
    path = sqlite_path(uri)
    if path is not None and not path.is_file():
        raise StoreError(f"there is no {path}; run the command where the sweep ran, or give --tracking-uri")
    print(f"MLflow UI: http://{HOST}:{options.port}/#/experiments?workflowType=machine_learning  (Ctrl-C ends it)")
    sys.stdout.flush()
    # by default MLflow starts 15 processes and its job runner; one worker serves one person in 0.5 GB
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    command = [sys.executable, "-m", "mlflow", "server", "--host", HOST, "--port", str(options.port), "--workers", "1"]
    os.execve(sys.executable, [*command, "--backend-store-uri", uri], environment)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="slimtune ui", description=__doc__)
    parser.add_argument("--port", type=int, default=5000, help="port on 127.0.0.1 (default: 5000)")
    parser.add_argument("--tracking-uri", help="MLflow store (default: mlruns/mlflow.db)")
    return parser
