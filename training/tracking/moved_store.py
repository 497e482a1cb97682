"""A store that was moved with its artifacts: MLflow keeps their absolute paths, which lead to where they were."""

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

log = logging.getLogger(__name__)

ARTIFACTS = "artifacts"
# MLflow's columns with such paths
COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


def follow_move(database: Path) -> None:
    """Let a store name its artifacts where they lie now: in `artifacts/` beside it.

    A store whose artifacts did not come along is left as it is, and so is one that cannot be written.
    """
    here = (database.absolute().parent / ARTIFACTS).as_uri()
    if not database.is_file() or not (database.absolute().parent / ARTIFACTS).is_dir():
        return
    try:
        with closing(sqlite3.connect(database, timeout=30)) as store:
            for root in _roots(store) - {here}:
                _rewrite(store, root, here)
                log.warning("%s was moved: its artifacts are those in %s, no longer in %s", database, here, root)
            store.commit()
    except sqlite3.Error as error:
        log.warning("the store %s was moved, and cannot be told where its artifacts are (%s)", database, error)


def _roots(store: sqlite3.Connection) -> set[str]:
    """Where the artifacts of our experiments were when they were made."""
    try:
        found = store.execute("SELECT artifact_location FROM experiments").fetchall()
    except sqlite3.OperationalError:
        # an empty store
        return set()
    sign = f"/{ARTIFACTS}/"
    places = [place for (place,) in found if place and place.startswith("file:") and sign in place]
    return {place.rpartition(sign)[0] + f"/{ARTIFACTS}" for place in places}


def _rewrite(store: sqlite3.Connection, old: str, new: str) -> None:
    known = {name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    for table, column in COLUMNS:
        if table in known:
            store.execute(
                f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?",
                (new, len(old) + 1, len(old) + 1, f"{old}/"),
            )
