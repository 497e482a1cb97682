"""A study of somebody else's that has a sweep's name."""

from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState, create_trial

from slimtune.sweeper.study import Study
from slimtune.sweeper.study.storages.foreign_study import check_own_study
from slimtune.training.errors import StoreError
from tests.sweeper.study.specs import make_spec


def other_study(url: str, name: str, state: TrialState) -> optuna.Study:
    """As Optuna's own tutorial makes it."""
    study = optuna.create_study(study_name=name, storage=url, direction="maximize")
    value = 0.5 if state is TrialState.COMPLETE else None
    trial = create_trial(state=state, value=value, params={"lr": 0.1}, distributions={"lr": FloatDistribution(0, 1)})
    study.add_trials([trial, trial])
    return study


@pytest.mark.parametrize("state", [TrialState.COMPLETE, TrialState.FAIL, TrialState.PRUNED])
@pytest.mark.parametrize("scheme", ["sqlite", "journal"])
def test_it_is_refused_and_left_as_it_is(tmp_path: Path, scheme: str, state: TrialState) -> None:
    """By the preflight and by whoever opens it, however its trials ended."""
    file = tmp_path / "others.db"
    storage: object = f"sqlite:///{file}"
    if scheme == "journal":
        storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(file)))
    study = other_study(storage, "mine", state)  # type: ignore[arg-type]
    before = file.read_bytes()
    with pytest.raises(StoreError, match=r"a study 'mine' that is not slimtune's \(2 trials\); take another"):
        check_own_study(f"{scheme}:///{file}", "mine")
    assert file.read_bytes() == before
    with pytest.raises(StoreError, match="take another"):
        Study(replace(make_spec(tmp_path), storage=f"{scheme}:///{file}", name="mine"))
    assert study.user_attrs == {}
    assert len(study.trials) == 2


def test_another_name_in_the_same_file_is_free(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'others.db'}"
    other_study(url, "theirs", TrialState.COMPLETE)
    check_own_study(url, "mine")
    assert Study(replace(make_spec(tmp_path), storage=url, name="mine")).trials() == []


def test_a_study_without_trials_is_as_good_as_new(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'others.db'}"
    optuna.create_study(study_name="mine", storage=url, direction="maximize")
    check_own_study(url, "mine")
    Study(replace(make_spec(tmp_path), storage=url, name="mine"))


def test_our_own_is_gone_on_with_and_nothing_is_made_by_looking(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'own.db'}"
    check_own_study(url, "mine")
    assert list(tmp_path.iterdir()) == []
    spec = replace(make_spec(tmp_path), storage=url, name="mine")
    assert Study(spec).ask("worker") is not None
    check_own_study(url, "mine")
    Study(spec)
