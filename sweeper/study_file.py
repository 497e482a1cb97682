"""Whether a file is one that a study lies in, or may be put into; it is read, and nothing is written."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from slimtune.training.sqlite_file import has_head, opened_to_read, tables_of

# what Optuna makes first, and what its lines have
TABLES, LINE_KEYS = frozenset(("studies", "version_info")), frozenset(("op_code", "worker_id"))
# of a journal's line; a study's attributes are shorter
MAX_LINE_BYTES = 16_000_000


def foreign_reason(path: Path, *, is_journal: bool) -> str | None:
    """Why a study cannot be in a file; None for one that has a study's form, is empty, or is not there.

    Args:
        path: Of the file.
        is_journal: Whether it is to be a journal; else an SQLite database.
    """
    try:
        if not path.exists() or (path.is_file() and path.stat().st_size == 0):
            return None
        if not path.is_file():
            return f"{path.absolute()} is no file"
        return _journal_reason(path) if is_journal else _database_reason(path)
    except OSError as error:
        return f"{path.absolute()} cannot be read ({error.strerror})"


def no_study_reason(path: Path) -> str | None:
    """Why nothing can be learned from an SQLite file, also from one that a study may be put into."""
    if (reason := foreign_reason(path, is_journal=False)) is not None:
        return reason
    if not path.is_file() or path.stat().st_size == 0:
        return f"{path.absolute()} is {'empty' if path.is_file() else 'not there'}"
    try:
        return None if _studies_in(path) else f"{path.absolute()} has no study in it"
    except sqlite3.OperationalError:
        # somebody else may be writing just now, which whoever opens it waits for
        return None
    except sqlite3.DatabaseError as error:
        return _is_broken(path, error)


def sweeps_in(path: Path) -> list[str]:
    """Names of the sweeps of an SQLite file; none where it cannot be read, which is told by whoever opens it."""
    try:
        # those of their reruns and of their launching processes are named after them
        return [name for name in _studies_in(path) if "/" not in name] if path.is_file() else []
    except sqlite3.DatabaseError:
        return []


def _studies_in(path: Path) -> list[str]:
    with closing(opened_to_read(path)) as database:
        return [name for (name,) in database.execute("SELECT study_name FROM studies ORDER BY study_id")]


def _journal_reason(path: Path) -> str | None:
    with path.open("rb") as file:
        line = file.readline(MAX_LINE_BYTES)
    try:
        first = json.loads(line)
    except ValueError:
        # the first line of a writer that was killed begins as every line does
        is_torn = not line.endswith(b"\n") and b'{"op_code"'.startswith(line[:10])
        return None if is_torn else _is_no(path, "journal of a study")
    has_keys = isinstance(first, dict) and first.keys() >= LINE_KEYS
    return None if has_keys else _is_no(path, "journal of a study")


def _database_reason(path: Path) -> str | None:
    if not has_head(path):
        return _is_no(path, "SQLite database")
    try:
        tables = tables_of(path)
    except sqlite3.OperationalError:
        return None
    except sqlite3.DatabaseError as error:
        return _is_broken(path, error)
    if tables and not tables & TABLES:
        return f"{path.absolute()} is a database of something else (it has {', '.join(sorted(tables)[:3])})"
    return None


def _is_broken(path: Path, error: Exception) -> str:
    return f"{path.absolute()} is broken ({error})"


def _is_no(path: Path, kind: str) -> str:
    return f"{path.absolute()} is no {kind}"
