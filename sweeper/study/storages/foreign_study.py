"""A study that has a sweep's name and is somebody else's."""

import optuna

from slimtune.sweeper.storage_url import file_of, resolved
from slimtune.sweeper.study.record import BUDGET, FOLDER, IDENTITY, INDEX, KIND, RESULT, WORKER
from slimtune.sweeper.study.storages.loading import load_study, reading, study_names
from slimtune.training.errors import StoreError

# what each of our trials that has ended has one of
MARKS = {INDEX, KIND, RESULT, WORKER}


def refuse_foreign(study: optuna.Study) -> None:
    """Whether a study that is there may be gone on with; one without trials is as good as new.

    Raises:
        StoreError: Another program has made its trials: they were trained otherwise, or not at all.
    """
    if {BUDGET, FOLDER, IDENTITY} & study.user_attrs.keys():
        return
    # one that has just begun, or whose worker died as it began, has no marks yet
    ended = [trial for trial in study.get_trials(deepcopy=False) if trial.state.is_finished()]
    if ended and not any(MARKS & trial.user_attrs.keys() for trial in ended):
        raise StoreError(
            f"search.storage has a study '{study.study_name}' that is not slimtune's ({len(ended):,} trials); take "
            "another search.name, or another search.storage"
        )


def check_own_study(storage: str, name: str) -> None:
    """The same of a study in a file, before it is opened to be written to; a server would get tables by being asked.

    Raises:
        StoreError: It is.
    """
    file = file_of(resolved(storage))
    if file is None or not file.is_file() or not file.stat().st_size or name not in study_names(storage):
        return
    study = load_study(storage, name)
    with reading(storage):
        refuse_foreign(study)
