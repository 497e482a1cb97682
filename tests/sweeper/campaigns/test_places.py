from pathlib import Path

import pytest

from slimtune.sweeper.campaigns.places import check_own_trials
from slimtune.training.checkpoints.best_checkpoint import BestCheckpoint
from slimtune.training.checkpoints.checkpoint_writer import CheckpointWriter
from slimtune.training.checkpoints.training_state import forget_states
from slimtune.training.errors import StoreError

OTHERS = ["checkpoint-84", "trials/0/checkpoint-84", "reruns/t01 seed 1/checkpoint-84", "resume-64"]


@pytest.mark.parametrize("name", OTHERS)
def test_checkpoints_of_other_tools_are_not_replaced(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir(parents=True)
    with pytest.raises(StoreError, match="was not written by slimtune, but could be replaced; take another folder"):
        check_own_trials(tmp_path)


def test_those_of_slimtune_and_other_names_may_be_there(tmp_path: Path) -> None:
    for name in ("checkpoint-84/slimtune.json", "trials/0/resume-64/state.json", "checkpoint-last/a", "resume-cv/a"):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_text("{}")
    check_own_trials(tmp_path)


def test_only_checkpoints_and_states_of_slimtune_are_removed(tmp_path: Path) -> None:
    for name in ("checkpoint-84/slimtune.json", "checkpoint-100/config.json", "resume-64/state.json", "resume-2/cv.md"):
        path = tmp_path / name
        path.parent.mkdir()
        path.write_text("{}")
    forget_states(tmp_path)
    BestCheckpoint(CheckpointWriter(None, None, None), tmp_path).tidy(tmp_path / "checkpoint-1")  # type: ignore[arg-type]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-100", "resume-2"]
