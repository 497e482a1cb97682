"""Where studies lie, and what is said of a storage that cannot be used."""

from collections.abc import Iterator
from contextlib import contextmanager
from json import JSONDecodeError
from pathlib import Path

import optuna
from optuna.exceptions import StorageInternalError
from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError

from slimtune.sweeper.storage_url import (
    ENVIRONMENT,
    FORMS,
    GRPC,
    JOURNAL,
    file_of,
    resolved,
    urlsplit_scheme,
    with_driver,
)
from slimtune.sweeper.study.storages.opening import read_only
from slimtune.training.broken_files import BROKEN
from slimtune.training.errors import StoreError
from slimtune.training.sqlite_file import ENDINGS
from slimtune.training.tracking.uri import without_password, without_secrets
from slimtune.training.usual_places import STUDY_FILE

# what SQLite says while another process writes, or sleeps in the middle of it
LOCKED, LATER = "database is locked", "another process is writing there, or was put to sleep as it did; try again"
BROUGHT_BACK = "bring the file back from a copy, or move the sweep's folder away and run the sweep anew"
# what a wrong URL, a missing driver or an unreachable server raise
UNUSABLE = (StorageInternalError, SQLAlchemyError, ImportError, OSError, ValueError)


@contextmanager
def reading(storage: str) -> Iterator[None]:
    """Whatever is wrong with what lies in a storage is told of the storage.

    Raises:
        StoreError: What is done within cannot be done.
    """
    try:
        yield
    # RuntimeError: Optuna's of tables that another version made; AssertionError: its own, of a value that is missing
    except (*UNUSABLE, *BROKEN, RuntimeError, AssertionError) as error:
        raise StoreError(unusable(storage, error)) from error


def load_study(storage: str, name: str) -> optuna.Study:
    """A study that exists; nothing is written.

    Raises:
        StoreError: There is no such study.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with reading(storage):
        try:
            return optuna.load_study(study_name=name, storage=read_only(storage))
        except KeyError:
            raise ValueError(f"it has no study '{name}'") from None


def study_names(storage: str) -> list[str]:
    """All studies of a storage.

    Raises:
        StoreError: It cannot be read.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with reading(storage):
        return optuna.get_all_study_names(read_only(storage))


def is_in_file(storage: str, name: str) -> bool:
    """Whether a study lies in the storage's file; a server, which would get tables by being asked, is not asked.

    Raises:
        StoreError: It cannot be read.
    """
    file = file_of(resolved(storage))
    return file is not None and file.is_file() and file.stat().st_size > 0 and name in study_names(storage)


def check_url(storage: str) -> None:
    """Whether a storage's URL is one, and its driver is there; nothing is written.

    Raises:
        StoreError: It is not.
    """
    try:
        url = resolved(storage)
        if urlsplit_scheme(url) not in (JOURNAL, GRPC):
            create_engine(with_driver(url))
    except UNUSABLE as error:
        raise StoreError(unusable(storage, error)) from error


def _own_file(storage: str) -> Path | None:
    """The file that a sweep has in its folder without `search.storage`, if it is there."""
    file = file_of(storage)
    return file if file is not None and file.name == STUDY_FILE and file.is_file() else None


def _reason(error: Exception) -> str:
    if isinstance(error, JSONDecodeError | LookupError | TypeError | AttributeError | AssertionError):
        return "a value in it is none that a study has"
    # Optuna says of every error of a database that it was one
    cause = error.__cause__ if isinstance(error, StorageInternalError) and error.__cause__ is not None else error
    lines = str(cause).strip().splitlines()
    return lines[0].removeprefix("(sqlite3.DatabaseError) ") if lines else type(error).__name__


def _as_url(path: str) -> str:
    """What a file that is named without a scheme was meant as."""
    schemes = {**dict.fromkeys(ENDINGS, "sqlite"), ".log": "journal"}
    scheme = schemes.get(Path(path).suffix)
    return f"write {scheme}:///{path}; or " if scheme else ""


def unusable(storage: str, error: Exception) -> str:
    """The message of an error that a storage raised."""
    reason = _reason(error)
    told = without_secrets(reason, resolved(storage)) if isinstance(storage, str) else reason
    if isinstance(storage, str) and (own := _own_file(storage)) is not None:
        repair = LATER if LOCKED in told else BROUGHT_BACK
        return f"the study of the sweep in {own.parent.absolute()} cannot be used: {told}; {repair}"
    hint = "" if "://" in storage or storage.startswith(ENVIRONMENT) else f"; {_as_url(storage)}{FORMS}"
    return f"search.storage is '{without_password(storage)}', which cannot be used: {told}{hint}"
