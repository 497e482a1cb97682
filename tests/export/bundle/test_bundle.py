import json
import shutil
from pathlib import Path

import pytest

from slimtune.export.bundle.bundle import MANIFEST, open_bundle, write_manifest
from slimtune.export.bundle.interface import Interface, PromptSettings
from slimtune.export.bundle.model_card import predict_arguments
from slimtune.export.graph_names import MODEL, Kind
from slimtune.export.pipeline import ExportResult
from slimtune.training.errors import ModelError


@pytest.fixture
def folder(exported: ExportResult, tmp_path: Path) -> Path:
    assert exported.bundle is not None
    copy = tmp_path / "bundle"
    shutil.copytree(exported.bundle.folder, copy)
    return copy


def test_a_whole_bundle_opens_anywhere(folder: Path) -> None:
    assert open_bundle(folder).labels == ["minus", "plus", "zero"]


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "README.md"])
def test_a_changed_or_missing_file_is_refused(folder: Path, name: str) -> None:
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(ModelError, match=f"{name} was changed"):
        open_bundle(folder)
    (folder / name).unlink()
    with pytest.raises(ModelError, match=f"{name} is missing"):
        open_bundle(folder)


def test_a_manifest_that_leaves_a_file_out_is_refused(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    del manifest["files"][MODEL]
    write_manifest(folder, manifest)
    with pytest.raises(ModelError, match=r"does not list model\.onnx"):
        open_bundle(folder)


def test_a_manifest_cannot_name_files_outside(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"]["../secret"] = "0"
    write_manifest(folder, manifest)
    with pytest.raises(ModelError, match="not in the bundle's folder"):
        open_bundle(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"files": {}}'])
def test_a_broken_manifest_is_one_clear_message(folder: Path, text: str) -> None:
    (folder / MANIFEST).write_text(text)
    with pytest.raises(ModelError, match="is broken"):
        open_bundle(folder)


def test_a_folder_without_manifest_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is no bundle"):
        open_bundle(tmp_path)


def interface(kind: str, *, template: str | None = None, takes_pairs: bool = False) -> Interface:
    prompt = PromptSettings("text", template, None, {}, 0, 32, is_causal=True)
    return Interface(kind=Kind(kind), labels=[], max_length=32, pad_id=0, takes_pairs=takes_pairs, prompt=prompt)


@pytest.mark.parametrize(
    ("given", "arguments"),
    [
        (interface("labels"), '--text "..."'),
        (interface("labels", takes_pairs=True), '--text "..." --text-pair "..."'),
        (interface("embedding"), '--text "..." --text-pair "..."'),
        (interface("causal", template="{text}\n"), '--text "..."'),
        (interface("causal", template="{name}: {text}\n"), "--file rows.jsonl"),
        (interface("causal"), '--text "..."'),
    ],
)
def test_the_command_that_is_told_is_one_that_works(given: Interface, arguments: str) -> None:
    assert predict_arguments(given) == arguments
