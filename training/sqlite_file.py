"""SQLite files, read without a trace: nothing is written, nor made where there is none."""

import sqlite3
from contextlib import closing
from pathlib import Path

# how their names usually end
ENDINGS = (".db", ".sqlite", ".sqlite3")
# of every one that is not empty
HEAD = b"SQLite format 3\0"


def has_head(path: Path) -> bool:
    """Whether a file begins as SQLite's do.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        return file.read(len(HEAD)) == HEAD


def opened_to_read(path: Path) -> sqlite3.Connection:
    """A file that is there, opened."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


def tables_of(path: Path) -> set[str]:
    """Names of its tables.

    Raises:
        sqlite3.OperationalError: Somebody else may be writing just now.
        sqlite3.DatabaseError: It is broken.
    """
    with closing(opened_to_read(path)) as database:
        return {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
