"""Until something can be seen of a sweep that is under way."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.end_to_end.conftest import Sweep
from tests.forked import ForkServerProcess


def wait_for(sweep: Sweep, process: ForkServerProcess, is_there: Callable[[], bool], what: str) -> None:
    """Until something can be seen of a sweep that is under way.

    Raises:
        RuntimeError: It has ended before.
        TimeoutError: Nothing was seen for long, on whatever machine.
    """
    deadline = time.monotonic() + 600
    while not is_there():
        if process.exitcode is not None:
            raise RuntimeError(f"{what} were not seen; the sweep has ended with {process.exitcode}:\n{sweep.said()}")
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} were not seen:\n{sweep.said()}")
        time.sleep(0.1)


def wait_for_trials(sweep: Sweep, process: ForkServerProcess, number: int) -> None:
    """Until so many trials have finished and one more is running."""
    path = sweep.folder / "outputs" / "mine" / "study.db"
    query = "select count(*), count(*) filter (where state = 'RUNNING') from trials where state <> 'FAIL'"

    def is_there() -> bool:
        row = _row(path, query)
        return row is not None and row[0] > number and row[1] > 0

    wait_for(sweep, process, is_there, f"{number} trials and a running one")


def wait_for_running(sweep: Sweep, process: ForkServerProcess, number: int) -> None:
    """Until so many trials are running at once."""
    path = sweep.folder / "outputs" / "mine" / "study.db"
    query = f"select 1 where (select count(*) from trials where state = 'RUNNING') >= {number}"
    wait_for(sweep, process, lambda: _row(path, query) is not None, f"{number} running trials")


def wait_for_points(sweep: Sweep, process: ForkServerProcess) -> None:
    """Until the tracker has scores of a trial that is running."""
    path = sweep.folder / "mlruns" / "mlflow.db"
    query = "select 1 from metrics join runs using (run_uuid) where key = 'objective' and runs.status = 'RUNNING'"
    wait_for(sweep, process, lambda: _row(path, query) is not None, "scores of a running trial")


def _row(path: Path, query: str) -> tuple[Any, ...] | None:
    """The first one; read without Optuna and MLflow, which take longer than what is waited for."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as store:
            found: tuple[Any, ...] | None = store.execute(query).fetchone()
            return found
    except sqlite3.OperationalError:
        # the file or its tables are not made yet
        return None
