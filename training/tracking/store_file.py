"""Whether a file may be MLflow's SQLite store; it is read, and nothing is written."""

import sqlite3
from pathlib import Path

from slimtune.training.sqlite_file import has_head, tables_of

# one of MLflow's tables
OWN_TABLE = "experiments"
MOST_TABLES = 3


def no_store_reason(path: Path) -> str | None:
    """Why MLflow's store cannot be in a file; None for one that is MLflow's, is empty, or is not there.

    MLflow itself would write its tables into any database, and waits for minutes where a folder stands.
    """
    if path.is_dir():
        return f"{path.absolute()} is a folder"
    try:
        if not path.is_file() or path.stat().st_size == 0:
            return None
        if not has_head(path):
            return f"{path.absolute()} is no SQLite database"
    except OSError as error:
        return f"{path.absolute()} cannot be read ({error.strerror})"
    try:
        tables = sorted(tables_of(path))
    except sqlite3.OperationalError:
        # somebody else may be writing just now, which whoever opens it waits for
        return None
    except sqlite3.DatabaseError as error:
        return f"{path.absolute()} is broken ({error})"
    if tables and OWN_TABLE not in tables:
        return f"{path.absolute()} is a database of something else (it has {', '.join(tables[:MOST_TABLES])})"
    return None
