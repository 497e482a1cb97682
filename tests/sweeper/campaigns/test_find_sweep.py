from dataclasses import replace
from pathlib import Path

import pytest

from slimtune.sweeper.campaigns.find_sweep import find_sweep
from slimtune.sweeper.finalist import Winner
from slimtune.sweeper.study import Study
from slimtune.training.errors import StoreError
from tests.sweeper.study.specs import make_spec


def begun(outputs: Path) -> Study:
    """A sweep `mine` in its folder, none of whose trials is under way."""
    (outputs / "mine").mkdir(parents=True)
    spec = make_spec(outputs / "mine")
    return Study(replace(spec, name="mine", storage=f"sqlite:///{outputs / 'mine' / 'study.db'}"))


def choose(study: Study, checkpoint: Path) -> None:
    study.set_attr("winner", Winner(1, {"method.r": 8}, 0.5, checkpoint, None).as_dict())


def test_a_sweep_that_has_not_ended_has_chosen_nothing(tmp_path: Path) -> None:
    """Nor has one that was given a larger budget, whose earlier winner was forgotten."""
    study = begun(tmp_path)
    with pytest.raises(StoreError, match="give the command that began it again"):
        find_sweep("mine", outputs=tmp_path, storage=None)
    study.set_attr("winner", None)
    with pytest.raises(StoreError, match="give the command that began it again"):
        find_sweep("mine", outputs=tmp_path, storage=None)


def test_the_choice_is_found_by_name_by_folder_and_by_storage(tmp_path: Path) -> None:
    study = begun(tmp_path)
    checkpoint = tmp_path / "mine" / "trials" / "1" / "checkpoint-84"
    checkpoint.mkdir(parents=True)
    choose(study, checkpoint)
    study.set_attr("parent_run_id", "abc")
    storage = f"sqlite:///{tmp_path / 'mine' / 'study.db'}"
    for given, more in (("mine", None), (str(tmp_path / "mine"), None), ("mine", storage)):
        found = find_sweep(given, outputs=tmp_path, storage=more)
        assert found == ("mine", checkpoint, "abc")


def test_the_choice_of_a_sweep_that_was_moved_is_found_in_its_folder(tmp_path: Path) -> None:
    study = begun(tmp_path / "new")
    choose(study, tmp_path / "old" / "mine" / "trials" / "1" / "checkpoint-84")
    with pytest.raises(StoreError, match="which is gone"):
        find_sweep("mine", outputs=tmp_path / "new", storage=None)
    moved = tmp_path / "new" / "mine" / "trials" / "1" / "checkpoint-84"
    moved.mkdir(parents=True)
    found = find_sweep("mine", outputs=tmp_path / "new", storage=None)
    assert found is not None
    assert found.checkpoint == moved


def test_the_choice_of_a_sweep_whose_folder_was_renamed_is_found(tmp_path: Path) -> None:
    """Its study has the old name."""
    checkpoint = tmp_path / "mine" / "trials" / "1" / "checkpoint-84"
    study = begun(tmp_path)
    checkpoint.mkdir(parents=True)
    choose(study, checkpoint)
    (tmp_path / "mine").rename(tmp_path / "kept")
    found = find_sweep("kept", outputs=tmp_path, storage=None)
    assert found is not None
    assert found[:2] == ("mine", tmp_path / "kept" / "trials" / "1" / "checkpoint-84")


def test_what_is_no_sweep_is_left_to_others(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for given in ("nothing", str(tmp_path / "folder")):
        assert find_sweep(given, outputs=tmp_path, storage=None) is None
