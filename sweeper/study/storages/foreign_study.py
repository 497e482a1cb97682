"""A study that has a sweep's name and is somebody else's."""

import optuna

from slimtune.sweeper.study.record import BUDGET, FOLDER, IDENTITY, INDEX, KIND, RESULT, WORKER
from slimtune.sweeper.study.storages.loading import is_in_file, load_study, reading
from slimtune.training.errors import StoreError
from slimtune.training.listed_names import counted

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
            f"search.storage has a study '{study.study_name}' that is not slimtune's ({counted(len(ended), 'trial')}); "
            "take another search.name, or another search.storage"
        )


def check_own_study(storage: str, name: str) -> None:
    """The same of a study in a file, before it is opened to be written to.

    Raises:
        StoreError: It is.
    """
    if not is_in_file(storage, name):
        return
    study = load_study(storage, name)
    with reading(storage):
        refuse_foreign(study)
