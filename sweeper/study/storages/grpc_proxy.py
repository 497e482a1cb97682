"""Optuna's gRPC proxy: one process that reads and writes a database for many workers."""

import logging
import warnings

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.storages import BaseStorage, GrpcStorageProxy, run_grpc_proxy_server

from slimtune.sweeper.storage_url import JOURNAL, ProxyAddress, resolved, urlsplit_scheme
from slimtune.sweeper.study.storages import relational
from slimtune.training.errors import StoreError
from slimtune.training.extras import needs

ANSWER_SECONDS = 10.0

log = logging.getLogger(__name__)


def connected(place: ProxyAddress) -> BaseStorage:
    """The storage behind a proxy.

    Raises:
        StoreError: Nobody answers there.
    """
    needs("grpc", needed_for=f"search.storage=grpc://{place.host}:{place.port}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        proxy = GrpcStorageProxy(host=place.host, port=place.port)
    try:
        proxy.wait_server_ready(timeout=ANSWER_SECONDS)
    except ConnectionError as error:
        proxy.close()
        raise StoreError(
            f"search.storage is 'grpc://{place.host}:{place.port}', and no proxy answers there; "
            "start one: slimtune storage-proxy --storage ..."
        ) from error
    return proxy


def serve(storage: str, place: ProxyAddress) -> None:
    """Answer for a database until the process is ended.

    Raises:
        StoreError: The storage is not one that a proxy can stand before.
    """
    url = resolved(storage, "--storage")
    if urlsplit_scheme(url) in (JOURNAL, "grpc"):
        raise StoreError("Optuna's proxy stands before a database alone: give a sqlite, postgresql or mysql URL")
    needs("grpc", needed_for="slimtune storage-proxy")
    backend = relational.open_relational(url)
    _remember_trials(backend)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        run_grpc_proxy_server(backend, host=place.host, port=place.port)


def _remember_trials(backend: BaseStorage) -> None:
    """What a proxy before this one began: Optuna's writes no value to a trial that it has not read."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    for study in backend.get_all_studies():
        backend.get_all_trials(study._study_id, deepcopy=False)
