"""Where studies lie, and what is said of a storage that cannot be used."""

import optuna
from optuna.exceptions import StorageInternalError
from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError

from slimtune.sweeper.storage_url import (
    ENVIRONMENT,
    FORMS,
    GRPC,
    JOURNAL,
    resolved,
    urlsplit_scheme,
    with_driver,
    without_secrets,
)
from slimtune.sweeper.study.storages.opening import read_only
from slimtune.training.errors import StoreError
from slimtune.training.tracking.uri import without_password

# what a wrong URL, a missing driver or an unreachable server raise
UNUSABLE = (StorageInternalError, SQLAlchemyError, ImportError, OSError, ValueError)


def load_study(storage: str, name: str) -> optuna.Study:
    """A study that exists; nothing is written.

    Raises:
        StoreError: There is no such study.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        return optuna.load_study(study_name=name, storage=read_only(storage))
    except (KeyError, *UNUSABLE) as error:
        raise StoreError(unusable(storage, error)) from error


def study_names(storage: str) -> list[str]:
    """All studies of a storage.

    Raises:
        StoreError: It cannot be read.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        return optuna.get_all_study_names(read_only(storage))
    except UNUSABLE as error:
        raise StoreError(unusable(storage, error)) from error


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


def unusable(storage: str, error: Exception) -> str:
    """The message of an error that a storage raised."""
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    told = without_secrets(reason, resolved(storage)) if isinstance(storage, str) else reason
    hint = "" if "://" in storage or storage.startswith(ENVIRONMENT) else f"; {FORMS}"
    return f"search.storage is '{without_password(storage)}', which cannot be used: {told}{hint}"
