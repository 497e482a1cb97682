"""Something that is noted on a running trial, and many of them at once."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from optuna.storages import BaseStorage, JournalStorage, RDBStorage, _CachedStorage
from optuna.storages._rdb import models
from optuna.storages._rdb.storage import _create_scoped_session

from slimtune.sweeper.study.storages.journal_file import JournalFile

ATTR_TABLES: dict[str, type[models.TrialUserAttributeModel] | type[models.TrialSystemAttributeModel]] = {
    "set_trial_user_attr": models.TrialUserAttributeModel,
    "set_trial_system_attr": models.TrialSystemAttributeModel,
}


class Write(NamedTuple):
    """One call of a storage.

    Attributes:
        method: Of Optuna's `BaseStorage`.
        trial_id: Its first argument.
        arguments: The others.
    """

    method: str
    trial_id: int
    arguments: tuple[Any, ...]

    def apply(self, storage: BaseStorage) -> None:
        """Make the call."""
        getattr(storage, self.method)(self.trial_id, *self.arguments)


def write_together(storage: BaseStorage, writes: Sequence[Write]) -> None:
    """Make the calls in their order: as one transaction of a database, as one addition to a journal; each costs as much
    as all of them.

    Raises:
        UpdateFinishedTrialError: A trial has ended; of a database none is made then.
    """
    if isinstance(storage, _CachedStorage) and len(writes) > 1:
        _write_in_transaction(storage._backend, writes)
    elif isinstance(storage, JournalStorage) and isinstance(storage._backend, JournalFile):
        with storage._backend.together():
            for write in writes:
                write.apply(storage)
        # reads what was added, and raises what this thread is to know of it
        storage.get_trial(writes[-1].trial_id)
    else:
        for write in writes:
            write.apply(storage)


def _write_in_transaction(backend: RDBStorage, writes: Sequence[Write]) -> None:
    with _create_scoped_session(backend.scoped_session, True) as session:
        for method, trial_id, arguments in writes:
            if method in ATTR_TABLES:
                backend._set_trial_attr_without_commit(session, ATTR_TABLES[method], trial_id, *arguments)
            elif method == "set_trial_param":
                backend._set_trial_param_without_commit(session, trial_id, *arguments)
            else:
                backend._set_trial_intermediate_value_without_commit(session, trial_id, *arguments)
