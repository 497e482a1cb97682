import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from slimtune.export.adapters.base import base_config
from slimtune.training.models.weights_fingerprint import weights_fingerprint


def fingerprint(folder: Path | str) -> str | None:
    return weights_fingerprint(base_config(str(folder), None))


@pytest.fixture
def copy(tiny_model: Path, tmp_path: Path) -> Path:
    return shutil.copytree(tiny_model, tmp_path / "copy")


def test_the_place_and_the_division_into_files_make_no_difference(tiny_model: Path, copy: Path) -> None:
    tensors = load_file(copy / "model.safetensors")
    names = sorted(tensors)
    (copy / "model.safetensors").unlink()
    for number, part in enumerate((names[:5], names[5:])):
        save_file({name: tensors[name] for name in part}, copy / f"model-{number}.safetensors")
    (copy / "README.md").write_text("copied")
    assert fingerprint(copy) == fingerprint(tiny_model) is not None


@pytest.mark.parametrize("number", range(4))
def test_weights_that_were_trained_on_are_others(tiny_model: Path, copy: Path, number: int) -> None:
    """Matrices, vectors, a single number, one in 16 bits: each counts."""
    tensors = load_file(copy / "model.safetensors") | {"scale": torch.tensor(1.0), "half": torch.ones(2, 3).bfloat16()}
    save_file(tensors, copy / "model.safetensors")
    before = fingerprint(copy)
    name = ["encoder.layer.1.output.dense.weight", "encoder.layer.0.output.LayerNorm.weight", "scale", "half"][number]
    save_file(tensors | {name: tensors[name] * 1.01}, copy / "model.safetensors")
    assert fingerprint(copy) != before
    assert before != fingerprint(tiny_model)


def test_other_names_types_and_shapes_are_others(tmp_path: Path) -> None:
    zeros = torch.zeros(4, 2)
    found = set()
    for number, tensors in enumerate(({"a": zeros}, {"b": zeros}, {"a": zeros.half()}, {"a": zeros.view(2, 4)})):
        (folder := tmp_path / str(number)).mkdir()
        save_file(tensors, folder / "model.safetensors")
        found.add(fingerprint(folder))
    assert len(found) == 4


def test_of_a_model_that_is_not_here_nothing_is_known() -> None:
    assert fingerprint("nobody/has-this") is None
