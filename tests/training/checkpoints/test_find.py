from pathlib import Path

import pytest

from slimtune.export.bundle.bundle import open_bundle
from slimtune.training.checkpoints.checkpoint import RECORD
from slimtune.training.checkpoints.find import checkpoint_in
from slimtune.training.checkpoints.kinds import repair_of
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


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            ["adapter_config.json", "config.json"],
            r"it is an adapter of peft; .*slimtune export --run '.*' .*task.labels",
        ),
        (["config.json"], r"it is a model of transformers; .*slimtune export --run '.*' --out exported task=class"),
    ],
)
def test_another_kind_of_model_is_told_with_what_to_do(files: list[str], message: str, tmp_path: Path) -> None:
    """By whoever reads checkpoints, and by whoever reads bundles."""
    folder = tmp_path / "it's"
    folder.mkdir()
    for name in files:
        (folder / name).write_text("{}")
    for read in (checkpoint_in, open_bundle):
        with pytest.raises(ModelError, match=message):
            read(folder)


def test_a_checkpoint_in_the_place_of_a_bundle_is_told(tmp_path: Path) -> None:
    (tmp_path / RECORD).write_text("{}")
    assert "it is a checkpoint of slimtune; make a bundle of it" in str(repair_of(tmp_path))
