"""Where a model lies is seen without loading it."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slimtune.training.config.model import ModelConfig
from slimtune.training.config.trial import parse_trial
from slimtune.training.errors import ModelError
from slimtune.training.models.place import check_place


@pytest.fixture
def model(config_of: Callable[..., dict[str, Any]], tiny_model: Path, tmp_path: Path) -> ModelConfig:
    shutil.copytree(tiny_model, tmp_path / "model")
    config: ModelConfig = parse_trial(config_of()).section.model
    return replace(config, name_or_path=str(tmp_path / "model"))


def test_a_folder_needs_config_and_weights(model: ModelConfig) -> None:
    folder = Path(str(model.name_or_path))
    check_place(model)
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"has no \*\.safetensors"):
        check_place(model)
    (folder / "config.json").unlink()
    with pytest.raises(ModelError, match=r"has no config\.json; name the folder of a model"):
        check_place(model)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("/nosuch/model", "is not a folder"),
        ("package:nosuch/model", "no installed package 'nosuch'"),
        ("org/nosuch", "was not downloaded before, and HF_HUB_OFFLINE is set"),
        ("no such name!", "was not downloaded before"),
    ],
)
def test_a_name_that_leads_nowhere(model: ModelConfig, name: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        check_place(replace(model, name_or_path=name))


def test_a_model_of_the_hub_that_was_downloaded(model: ModelConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_, **__: "/cache/config.json")
    check_place(replace(model, name_or_path="org/known"))
