import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import FakeTrial
from training.checkpoint import RECORD, load_model, read_record
from training.engine import run_trial
from training.errors import ModelError
from training.trial import Completed


@pytest.fixture
def checkpoint(fake_trial: Callable[..., FakeTrial]) -> Path:
    outcome = run_trial(fake_trial("fit.epochs=1"))
    assert isinstance(outcome, Completed)
    return outcome.checkpoint


def test_only_safetensors_are_written(checkpoint: Path) -> None:
    """Nothing that would have to be unpickled."""
    endings = {path.suffix for path in checkpoint.iterdir()}
    assert ".safetensors" in endings
    assert not endings & {".bin", ".pt", ".pth", ".pkl", ".ckpt"}


def test_a_folder_without_a_record_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is no checkpoint"):
        read_record(tmp_path)


def test_a_broken_record_is_named(checkpoint: Path) -> None:
    (checkpoint / RECORD).write_text("{")
    with pytest.raises(ModelError, match=r"slimtune\.json is broken"):
        read_record(checkpoint)


def test_a_record_of_another_version_says_what_does_not_fit(checkpoint: Path) -> None:
    record = json.loads((checkpoint / RECORD).read_text())
    del record["config"]["fit"]["seed"]
    (checkpoint / RECORD).write_text(json.dumps(record))
    with pytest.raises(ModelError, match=r"fit\.seed is missing"):
        load_model(checkpoint)
