"""Where a model lies is seen without loading it."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file

from slimtune.training.config.model import ModelConfig
from slimtune.training.config.trial import parse_trial
from slimtune.training.errors import ModelError
from slimtune.training.models.loading import load_tokenizer
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
    with pytest.raises(ModelError, match=r"has no weights \(\*\.safetensors\)"):
        check_place(model)
    (folder / "config.json").unlink()
    with pytest.raises(ModelError, match=r"has no config\.json; name the folder of a model"):
        check_place(model)


@pytest.mark.parametrize("below", ["0_Transformer", "checkpoint-1000", "snapshots/5fa1c0"])
def test_a_model_below_the_folder_is_named(model: ModelConfig, tmp_path: Path, below: str) -> None:
    """Folders of sentence-transformers, of a Trainer and of the hub's cache hold models, with other folders."""
    whole = tmp_path / "whole"
    shutil.copytree(str(model.name_or_path), whole / below)
    for other, values in {
        "checkpoint-500": {"model_type": "bert"},
        "1_Pooling": {"word_embedding_dimension": 32},
    }.items():
        (whole / other).mkdir()
        (whole / other / "config.json").write_text(json.dumps(values))
    message = f"it has no config.json, and a model lies below it, in {below}; name that folder: {whole / below}"
    with pytest.raises(ModelError, match=message):
        check_place(replace(model, name_or_path=str(whole)))
    with pytest.raises(ModelError, match=message):
        load_tokenizer(replace(model, name_or_path=str(whole)))
    check_place(replace(model, name_or_path=str(whole / below)))


def test_pickled_weights_name_what_writes_others(model: ModelConfig) -> None:
    """The advice works: the class that the model was saved with reads the pickle, and writes safetensors."""
    folder = Path(str(model.name_or_path))
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="is a pickle, which is not read") as refused:
        check_place(model)
    name, *calls = str(refused.value).rpartition(": ")[2].split(".from_pretrained")
    assert calls == [f"('{folder}').save_pretrained('{folder}')"]
    getattr(transformers, name).from_pretrained(folder).save_pretrained(folder)
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
