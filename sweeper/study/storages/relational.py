"""Databases that SQLAlchemy knows: SQLite, PostgreSQL, MySQL."""

import os
import random
import time
import weakref
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, RDBStorage
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError

from slimtune.sweeper.storage_url import urlsplit_scheme, with_driver
from slimtune.training.tracking.uri import has_password

# SQLite's own is five seconds, which many workers of one file exceed
BUSY_SECONDS = 60
# two processes that make the same tables: one of them fails, and finds them there
OPEN_ATTEMPTS = 4
# of SQLite
MADE_BY_ANOTHER = ("already exists", "UNIQUE constraint failed", "no such table")
# a worker whose machine is gone may hold a lock on rows, for two hours by the defaults of the server and the network
POSTGRESQL_SETTINGS = {
    "idle_in_transaction_session_timeout": "60s",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}


class _Storage(RDBStorage):
    """Optuna's, whose connections are closed with it, or where it refuses what is there: no garbage of it is open.

    Args:
        url: As SQLAlchemy reads it.
    """

    def __init__(self, url: str) -> None:
        try:
            super().__init__(url, engine_kwargs=_engine_options(url))
        except BaseException:
            if "engine" in vars(self):
                self.engine.dispose()
            raise
        weakref.finalize(self, self.engine.dispose)


def open_relational(url: str) -> BaseStorage:
    """The storage, its tables made if they are not there."""
    found = with_driver(url)
    for attempt in range(1, OPEN_ATTEMPTS + 1):
        try:
            return _cached(found)
        except (SQLAlchemyError, StorageInternalError) as error:
            if attempt == OPEN_ATTEMPTS or not _may_pass(url, error):
                raise
            time.sleep(random.random())
    raise AssertionError


def _may_pass(url: str, error: Exception) -> bool:
    """Whether another process may have been making the tables; of a file that is sure, of a server it is not."""
    match urlsplit_scheme(url).partition("+")[0]:
        case "postgresql" | "mysql":
            return True
        case _:
            # whoever reads a new file, e.g. `slimtune status`, makes them too
            return any(words in str(error) for words in MADE_BY_ANOTHER)


def _cached(url: str) -> BaseStorage:
    storage = _Storage(url)
    if storage.engine.dialect.name == "postgresql":
        event.listen(storage.engine, "connect", _set_session)
        # those that were made before do not have the settings
        storage.engine.dispose()
    return optuna.storages.get_storage(storage)


def _engine_options(url: str) -> dict[str, Any]:
    match urlsplit_scheme(url).partition("+")[0]:
        case "sqlite":
            return {"connect_args": {"timeout": BUSY_SECONDS}}
        case "postgresql":
            # a connection that the server or a firewall has closed is replaced, as Optuna does it for MySQL
            return {"pool_pre_ping": True}
        case "mysql" if "+pymysql" in url:
            return {"connect_args": _mysql_secrets(url)}
    return {}


def _mysql_secrets(url: str) -> dict[str, Any]:
    """What MySQL's own programs take the password from."""
    if has_password(url):
        return {}
    if "MYSQL_PWD" in os.environ:
        return {"password": os.environ["MYSQL_PWD"]}
    # where nobody's folder is known there is no such file
    own = Path(os.path.expanduser("~/.my.cnf"))
    # what the URL says of host, port, user and database holds
    return {"read_default_file": str(own)} if own.is_file() else {}


def _set_session(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    for name, value in POSTGRESQL_SETTINGS.items():
        cursor.execute(f"SET {name} = '{value}'")
    cursor.close()
    connection.commit()
