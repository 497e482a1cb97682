"""Whether a file may be MLflow's SQLite store; it is read, and nothing is written."""

import sqlite3
from contextlib import closing
from pathlib import Path

HEAD = b"SQLite format 3\0"
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
        with path.open("rb") as file:
            if file.read(len(HEAD)) != HEAD:
                return f"{path.absolute()} is no SQLite database"
    except OSError as error:
        return f"{path.absolute()} cannot be read ({error.strerror})"
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            rows = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    except sqlite3.OperationalError:
        # somebody else may be writing just now, which whoever opens it waits for
        return None
    except sqlite3.DatabaseError as error:
        return f"{path.absolute()} is broken ({error})"
    tables = sorted(name for (name,) in rows)
    if tables and OWN_TABLE not in tables:
        return f"{path.absolute()} is a database of something else (it has {', '.join(tables[:MOST_TABLES])})"
    return None
