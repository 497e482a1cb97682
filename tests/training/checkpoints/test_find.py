from pathlib import Path

import pytest

from slimtune.training.checkpoints.checkpoint import RECORD
from slimtune.training.checkpoints.find import checkpoint_in
from slimtune.training.errors import ModelError


def test_the_last_checkpoint_of_a_trial_is_taken(tmp_path: Path) -> None:
    """By number: 16 comes after 8."""
    for name in ("checkpoint-8", "checkpoint-16"):
        (tmp_path / name).mkdir()
        (tmp_path / name / RECORD).write_text("{}")
    assert checkpoint_in(tmp_path) == tmp_path / "checkpoint-16"
    assert checkpoint_in(tmp_path / "checkpoint-8") == tmp_path / "checkpoint-8"


def test_a_folder_without_a_checkpoint_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds no checkpoint"):
        checkpoint_in(tmp_path)
