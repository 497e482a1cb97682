"""`slimtune ui`: the MLflow UI over the local store, on this machine only."""

import argparse
import os
import socket
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from slimtune.export.commands.command_parser import CommandParser
from slimtune.sweeper.quiet_server import run_server
from slimtune.sweeper.reporting.saved_view import VIEW_KEY, VIEW_TAG
from slimtune.training.errors import StoreError, UserError
from slimtune.training.extras import is_installed
from slimtune.training.sqlite_file import opened_to_read
from slimtune.training.tracking.uri import sqlite_path, tracking_uri
from slimtune.training.usual_places import USUAL_STORE

HOST = "127.0.0.1"
LAST_PORT = 65535
# the newest; the UI lists all of them
MOST_SWEEPS = 10
# MLflow's tables, read as they are: its own client takes seconds to import, and the server waits for nothing
SWEEPS = """
SELECT experiments.experiment_id, experiments.name FROM experiments
JOIN experiment_tags ON experiment_tags.experiment_id = experiments.experiment_id
WHERE experiment_tags.key = ? AND experiments.lifecycle_stage = 'active'
ORDER BY experiments.last_update_time DESC
"""


def run(arguments: Sequence[str]) -> int:
    """Run the server until Ctrl-C.

    Raises:
        ModuleNotFoundError: MLflow is not installed.
        StoreError: There is no store here.
        UserError: The port is taken, or is none.
    """
    options = command_parser().parse_args(arguments)
    # it is another process that imports it
    if not is_installed("mlflow"):
        raise ModuleNotFoundError("No module named 'mlflow'", name="mlflow")
    uri = tracking_uri(options.tracking_uri)
    path = sqlite_path(uri)
    if path is not None and not path.is_file():
        raise StoreError(f"there is no {path}; run the command where the sweep ran, or give --tracking-uri")
    _check_port(options.port)
    address = f"http://{HOST}:{options.port}/#"
    print(f"MLflow UI: {address}/experiments?workflowType=machine_learning  (Ctrl-C ends it)")
    for identity, name in [] if path is None else sweeps_in_store(path):
        link = f"{address}/experiments/{identity}/runs?workflowType=machine_learning&viewStateShareKey={VIEW_KEY}"
        print(f"  {name}: {link}")
    sys.stdout.flush()
    # by default MLflow starts 15 processes and its job runner; one worker serves one person in 0.5 GB
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    command = [sys.executable, "-m", "mlflow", "server", "--host", HOST, "--port", str(options.port), "--workers", "1"]
    command += ["--app-name", "slimtune", "--backend-store-uri", uri]
    return run_server(command, environment)


def _check_port(port: int) -> None:
    """Whether the server can be reached there: it would say so between lines of its own, and end as if all was well."""
    if not 0 < port <= LAST_PORT:
        raise UserError(f"--port is {port}; use one of 1 to {LAST_PORT}")
    with socket.socket() as one:
        # as servers do: one that has just ended leaves its port to the next
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((HOST, port))
        except OSError as error:
            raise UserError(
                f"--port {port} of {HOST} cannot be had ({error.strerror}); if the UI runs there already, open it, "
                f"else take another one: slimtune ui --port {port % LAST_PORT + 1}"
            ) from error


def sweeps_in_store(store: Path) -> list[tuple[str, str]]:
    """Ids and names of the experiments that sweeps have in MLflow's SQLite store, the last one first.

    None of a store that has other tables than this MLflow's: links are a help, and the server says what is wrong.
    """
    try:
        with closing(opened_to_read(store)) as database:
            rows = database.execute(SWEEPS, (VIEW_TAG,)).fetchmany(MOST_SWEEPS)
    except sqlite3.Error:
        return []
    return [(str(identity), str(name)) for identity, name in rows]


def command_parser() -> argparse.ArgumentParser:
    """What can be given on the command line."""
    parser = CommandParser(prog="slimtune ui", description=__doc__)
    parser.add_argument("--port", type=int, default=5000, help="port on 127.0.0.1 (default: 5000)")
    parser.add_argument("--tracking-uri", help=f"MLflow store ({USUAL_STORE})")
    return parser
