"""A bundle, a checkpoint or an adapter of which a file is broken or foreign is one sentence that says it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from slimtune.export.bundle.bundle import MANIFEST, hashes, write_manifest
from slimtune.export.pipeline import ExportResult
from slimtune.sweeper.cli import main

CUT = "it ends in the middle"
Said = Callable[..., str]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    """What a command that is refused says, in one line."""

    def run(*words: object) -> str:
        assert main([str(word) for word in words]) == 2
        error = capsys.readouterr().err.strip().splitlines()[-1]
        assert "Error" not in error
        assert "Traceback" not in error
        return error

    return run


def cut(path: Path, *, share: float = 0.5) -> None:
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


def changed(path: Path, **values: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.fixture
def bundle(exported: ExportResult, tmp_path: Path) -> Path:
    assert exported.bundle is not None
    return Path(shutil.copytree(exported.bundle.folder, tmp_path / "bundle"))


def proven(folder: Path, **values: Any) -> None:
    """A manifest that fits the files as they are now, as a tool of somebody else may write it."""
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).unlink()
    write_manifest(folder, {**manifest, "files": hashes(folder), **values})


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "is broken: it is empty; export the model again"),
        ('{"name": "a web app"}', "is broken, or not of slimtune: it lacks 'format'; export the model again"),
        ('{"format": 7}', "has format 7, and this version of slimtune reads 1; open it with the version that wrote it"),
        ("[" * 100_000, "is broken: it is nested too deeply; export the model again"),
    ],
)
def test_a_manifest_that_is_none_is_told(bundle: Path, said: Said, content: str, why: str) -> None:
    (bundle / MANIFEST).write_text(content)
    assert f"{bundle / MANIFEST} {why}" in said("predict", "--model", bundle, "--text", "a")
    assert f"{bundle / MANIFEST} {why}" in said("evaluate", "--model", bundle, "--data", bundle / MANIFEST)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"labels": None}, "its 'labels' is null, and not a list of which each is text"),
        ({"max_length": "32"}, "its 'max_length' is \"32\", and not a whole number"),
        ({"max_length": 0}, "its 'max_length' is 0, and not 1 or more"),
        ({"kind": "riddle"}, "its 'kind' is 'riddle', which this version of slimtune does not know"),
        ({"target": {"name": "cpu"}}, "it lacks '"),
        ({"limits": {"odd": 1}}, "it has 'odd', which this version of slimtune does not know"),
    ],
)
def test_a_value_of_a_manifest_is_told(bundle: Path, said: Said, values: dict[str, Any], why: str) -> None:
    proven(bundle, **values)
    assert f"{MANIFEST} is broken: {why}" in said("predict", "--model", bundle, "--text", "a")


@pytest.mark.parametrize(
    ("name", "why"),
    [("model.onnx", "cannot be run: it is no ONNX graph, or cut off"), ("tokenizer.json", f"is broken: {CUT}")],
)
def test_a_file_that_was_cut_before_it_was_proven_is_told(bundle: Path, said: Said, name: str, why: str) -> None:
    cut(bundle / name)
    assert f"{bundle / name} was changed" in said("predict", "--model", bundle, "--text", "a")
    proven(bundle)
    assert f"{bundle / name} {why}" in said("predict", "--model", bundle, "--text", "a")


@pytest.fixture
def trial(checkpoint: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(checkpoint, tmp_path / checkpoint.name))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda folder: cut(folder / "slimtune.json"), f"slimtune.json is broken: {CUT}"),
        (lambda folder: changed(folder / "slimtune.json", config=None), "its 'config' is of another kind"),
        (lambda folder: changed(folder / "slimtune.json", config={"fit": 1}), "does not fit this version of slimtune"),
        (lambda folder: cut(folder / "adapter_config.json"), f"its adapter_config.json is broken: {CUT}"),
        (lambda folder: changed(folder / "adapter_config.json", r=None), "its 'r' is null, and not a whole number"),
        (lambda folder: (folder / "adapter_config.json").unlink(), "adapter_config.json is not there; bring it back"),
        (
            lambda folder: cut(folder / "adapter_model.safetensors"),
            "adapter_model.safetensors is broken: it is cut off",
        ),
        (lambda folder: (folder / "adapter_model.safetensors").unlink(), "adapter_model.safetensors is not there"),
        (lambda folder: cut(folder / "tokenizer.json"), f"its tokenizer.json is broken: {CUT}"),
        (lambda folder: (folder / "tokenizer_config.json").unlink(), "no token to pad with, as its tokenizer_config"),
        (lambda folder: changed(folder / "tokenizer_config.json", cls_token="<new>"), "('<new>'), and its model "),
    ],
)
def test_a_checkpoint_of_which_a_file_is_broken_is_told(
    trial: Path, rows_file: Path, said: Said, change: Callable[[Path], None], why: str
) -> None:
    change(trial)
    error = said("evaluate", "--model", trial, "--data", rows_file, "--no-log")
    assert str(trial) in error
    assert why in error


def test_weights_that_lack_a_tensor_are_no_model_that_somebody_trained(
    trial: Path, rows_file: Path, said: Said
) -> None:
    """peft only warns of it, and leaves what it drew."""
    weights = trial / "adapter_model.safetensors"
    tensors = load_file(weights)
    lacking = min(name for name in tensors if "lora_B" in name)
    save_file({name: tensor for name, tensor in tensors.items() if name != lacking}, weights)
    assert f"{weights} lacks base_model.model" in said("evaluate", "--model", trial, "--data", rows_file, "--no-log")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda path: path.write_text(""), "is broken: it is empty; save the adapter again"),
        (lambda path: changed(path, lora_alpha="x"), "its 'lora_alpha' is \"x\", and not a number above 0"),
        (lambda path: changed(path, modules_to_save="score"), "its 'modules_to_save' is \"score\", and not a list"),
        (lambda path: changed(path, base_model_name_or_path=None), "does not say what it was trained on"),
        (lambda path: changed(path, target_modules=None), "lacks 'target_modules'"),
    ],
)
def test_settings_of_an_adapter_are_told(
    trial: Path, tiny_model: Path, said: Said, change: Callable[[Path], object], why: str
) -> None:
    (trial / "slimtune.json").unlink()
    change(trial / "adapter_config.json")
    output = trial.parent / "out"
    error = said("adapters", "--base", tiny_model, "--adapters", f"a={trial}", "--output", output)
    assert str(trial / "adapter_config.json") in error
    assert why in error
