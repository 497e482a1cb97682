"""Optuna's storage behind a URL."""

from optuna.storages import BaseStorage

from slimtune.sweeper import storage_url
from slimtune.sweeper.study.storages import grpc_proxy, journal_file, relational
from slimtune.sweeper.study.storages.write_behind import WriteBehind

MEMORY = ("sqlite://", "sqlite:///", "sqlite:///:memory:")


def open_storage(storage: str | BaseStorage) -> BaseStorage:
    """The storage of one process; one that is a storage already, or lies in memory, is taken as it is.

    Raises:
        ValueError: Its file is not a study's.
    """
    if not isinstance(storage, str):
        return storage
    url = storage_url.resolved(storage)
    return _direct(url) if url in MEMORY else WriteBehind(_direct(url))


def read_only(storage: str | BaseStorage) -> BaseStorage:
    """The same for those who read it alone.

    Raises:
        FileNotFoundError: There is no such file: none is made.
        ValueError: It is empty, or not a study's.
    """
    if not isinstance(storage, str):
        return storage
    url = storage_url.resolved(storage)
    file = storage_url.file_of(url)
    if file is not None and not file.is_file():
        raise FileNotFoundError(f"there is no file {file.absolute()}")
    if file is not None and file.stat().st_size == 0:
        raise ValueError(f"{file.absolute()} is empty")
    return _direct(url)


def _direct(url: str) -> BaseStorage:
    if (reason := storage_url.foreign_file(url)) is not None:
        raise ValueError(reason)
    match storage_url.urlsplit_scheme(url):
        case storage_url.JOURNAL:
            return journal_file.open_journal(storage_url.journal_path(url))
        case storage_url.GRPC:
            return grpc_proxy.connected(storage_url.grpc_place(url))
    return relational.open_relational(url)
