"""Where a study lies, as `search.storage` says it: forms, drivers, and no password; nothing is connected to."""

import os
import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from slimtune.sweeper.study_file import foreign_reason
from slimtune.training.errors import StoreError
from slimtune.training.extras import is_installed, missing
from slimtune.training.tracking.uri import has_password, sqlite_path, sqlite_url

# a variable of the environment that has the URL: what is written and sent to workers is its name alone
ENVIRONMENT = "env:"
JOURNAL, GRPC = "journal", "grpc"
GRPC_PORT = 13000
# packages by the name that SQLAlchemy has for each; of a URL that names none, the first one that is installed is used
DRIVERS = {
    "postgresql": {"psycopg": "psycopg", "psycopg2": "psycopg2"},
    "mysql": {"pymysql": "pymysql", "mysqldb": "MySQLdb"},
}
FORMS = (
    "use sqlite:///study.db, journal:///study.log, postgresql://user@host/database, mysql://user@host/database, "
    "grpc://host:13000, or env:NAME for a variable that has one of them"
)
OTHER_FILE = "name a file that is not there yet, or one that a sweep has made"
GONE = {"redis": "Optuna's journal in Redis unpickles what lies there", "rediss": "the same holds of it"}
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class ProxyAddress(NamedTuple):
    """Where gRPC's proxy listens."""

    host: str
    port: int


def storage_problems(storage: str | None, key: str) -> list[str]:
    """What is wrong with it, as far as its text and the installed packages tell."""
    if storage is None:
        return []
    if storage.startswith(ENVIRONMENT):
        return _variable_problems(storage, key)
    if has_password(storage):
        return [
            f"{key} has a password in it, which would be logged and saved; give the URL without it and set PGPASSWORD "
            f"or ~/.pgpass (MYSQL_PWD or ~/.my.cnf), or export the URL, e.g. as OPTUNA_STORAGE, and set "
            f"{key}={ENVIRONMENT}OPTUNA_STORAGE"
        ]
    return _form_problems(storage, key)


def checked(storage: str | None, key: str = "--storage") -> str | None:
    """What a command is given.

    Raises:
        StoreError: It cannot be used.
    """
    if problems := storage_problems(storage, key):
        raise StoreError("; ".join(problems))
    return absolute(storage) if storage else None


def _variable_problems(storage: str, key: str) -> list[str]:
    name = storage.removeprefix(ENVIRONMENT)
    if not VARIABLE.fullmatch(name):
        return [f"{key} is {storage!r}; after env: stands the name of a variable, e.g. env:OPTUNA_STORAGE"]
    if not os.environ.get(name):
        return [_not_set(name, key)]
    return _form_problems(os.environ[name], f"${name}, of {key},")


def _not_set(name: str, key: str) -> str:
    return f"{key} is '{ENVIRONMENT}{name}', and the environment has no {name}; export it here and where workers run"


def _form_problems(url: str, key: str) -> list[str]:
    scheme, _, driver = urlsplit_scheme(url).partition("+")
    if scheme in GONE:
        return [f"{key} names {scheme}, which is not read: {GONE[scheme]}; {FORMS}"]
    if scheme == JOURNAL and not url.startswith("journal:///"):
        return [f"{key} is {url!r}; after journal: stand three slashes and a path (four before an absolute one)"]
    if scheme == GRPC:
        return [*missing("grpc", needed_for=f"{key}=grpc://...")] or _grpc_problems(url, key)
    if scheme in DRIVERS:
        return _driver_problems(scheme, driver, key)
    reason = foreign_file(url)
    return [f"{key} is {url!r}, but {reason}; {OTHER_FILE}"] if reason else []


def urlsplit_scheme(url: str) -> str:
    """What stands before the first colon, in small letters."""
    return url.partition(":")[0].lower()


def _grpc_problems(url: str, key: str) -> list[str]:
    try:
        grpc_place(url)
    except ValueError:
        return [f"{key} is {url!r}; use grpc://host:{GRPC_PORT}"]
    return []


def _driver_problems(scheme: str, driver: str, key: str) -> list[str]:
    known = DRIVERS[scheme]
    if not driver:
        if any(is_installed(package) for package in known.values()):
            return []
        return missing(next(iter(known.values())), needed_for=f"{key}={scheme}://...")
    if driver not in known or is_installed(known[driver]):
        # SQLAlchemy knows others too
        return []
    return [
        f"{key} names the driver {driver}, which is not installed; pip install {known[driver]}, or write "
        f"{scheme}://... and pip install 'slimtune[{scheme}]'"
    ]


def grpc_place(url: str) -> ProxyAddress:
    """Host and port of the proxy.

    Raises:
        ValueError: They cannot be read.
    """
    parts = urlsplit(url)
    if not parts.hostname or parts.path not in ("", "/"):
        raise ValueError("a host is missing")
    return ProxyAddress(parts.hostname, parts.port or GRPC_PORT)


def journal_path(url: str) -> Path:
    """The file of a journal; relative after three slashes, as SQLite's."""
    return Path(unquote(url.removeprefix("journal:///")))


def file_of(url: str) -> Path | None:
    """The file of a journal or of SQLite; None where there is none."""
    if url.startswith("journal:///"):
        return journal_path(url)
    path = sqlite_path(url)
    return None if path is None or "?" in url or str(path) in ("", ".", ":memory:") else path


def foreign_file(url: str) -> str | None:
    """Why the file of a URL is none of a study; None if it may be, or there is none."""
    file = file_of(url)
    return None if file is None else foreign_reason(file, is_journal=urlsplit_scheme(url) == JOURNAL)


def absolute(storage: str) -> str:
    """The same for whoever works in another folder."""
    if storage.startswith("journal:///"):
        return f"journal:///{journal_path(storage).absolute()}"
    path = file_of(storage)
    return storage if path is None else sqlite_url(path)


def resolved(storage: str, key: str = "search.storage") -> str:
    """The URL itself, with whatever password a variable has: for the one who opens it, and nobody else.

    Raises:
        StoreError: The variable is not set.
    """
    if not storage.startswith(ENVIRONMENT):
        return storage
    name = storage.removeprefix(ENVIRONMENT)
    if not os.environ.get(name):
        raise StoreError(_not_set(name, key))
    return absolute(os.environ[name])


def with_driver(url: str) -> str:
    """The URL with the driver that is installed, where it names none."""
    scheme, separator, rest = url.partition("://")
    found = DRIVERS.get(scheme.lower(), {})
    for driver, package in found.items():
        if is_installed(package):
            return f"{scheme}+{driver}{separator}{rest}"
    return url
