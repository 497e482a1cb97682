import json
from pathlib import Path

import pytest

from slimtune.export.adapters.export import _check_output
from slimtune.export.bundle.bundle import hashes, write_manifest
from slimtune.export.bundle.export_folder import begin_anew, check_export_folder, remove_earlier
from slimtune.export.config import Variant, onnx_config
from slimtune.export.precisions import GenaiPrecision, MergedPrecision
from slimtune.sweeper.cli import main
from slimtune.training.config.model import Quantization
from slimtune.training.errors import ModelError

CONFIG = onnx_config(
    variants=[Variant.fp16],
    genai=[GenaiPrecision.int4],
    bitsandbytes=[Quantization.nf4],
    merged=[MergedPrecision.bf16],
)


def written(path: Path, text: str = "mine") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def manifested(folder: Path, **values: object) -> Path:
    """A folder as `write_bundle` leaves it."""
    written(folder / "model.onnx")
    written(folder / "genai" / "model.onnx")
    write_manifest(folder, {"format": 1, **values, "files": hashes(folder)})
    return folder


def exported(folder: Path) -> Path:
    """As an export leaves it, all parts of it, beside files of the user's."""
    for name in ("bundle", "genai/int4"):
        manifested(folder / name)
    for name in (
        "bitsandbytes/nf4/config.json",
        "merged/bf16/config.json",
        "fp32/model.onnx",
        "fp32/model.onnx.data",
        "fp16/model.onnx",
    ):
        written(folder / name)
    written(folder / "verification.json", json.dumps([{"name": "fp32", "metric_drop": 0.0}]))
    for name in ("variants.png", "notes.txt", "int8_static/mine.txt", "bundle/.DS_Store"):
        written(folder / name)
    return folder


def test_what_slimtune_wrote_is_written_anew(tmp_path: Path) -> None:
    """Beside other files, which stay; and so are empty folders, and what a killed export left."""
    check_export_folder(exported(tmp_path / "old"), CONFIG)
    check_export_folder(tmp_path / "new", CONFIG)
    (tmp_path / "empty" / "bundle").mkdir(parents=True)
    check_export_folder(tmp_path / "empty", CONFIG)
    begin_anew(tmp_path / "empty")
    written(tmp_path / "empty" / "scratch" / "model.onnx")
    check_export_folder(tmp_path / "empty", CONFIG)


def test_of_an_earlier_export_nothing_is_left(tmp_path: Path) -> None:
    """Graphs go when the next one begins, what others open when it has ended, unless it wrote it; other files stay."""
    folder = exported(tmp_path)
    for name in ("fp32/encoder_model.onnx", "int8_dynamic/model.onnx", "int8_static/model.onnx", "scratch/model.onnx"):
        written(folder / name)
    manifested(folder / "genai" / "fp16")
    begin_anew(folder)
    assert not list(folder.glob("fp*")) + list(folder.glob("scratch"))
    assert {path.name for path in folder.iterdir()} == {
        *("bundle", "genai", "merged", "bitsandbytes", "verification.json", "notes.txt", "int8_static")
    }
    assert (folder / "verification.json").read_text() == "[]"
    remove_earlier(folder, {folder / "genai" / "int4"})
    left = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {name for name in left if not name.startswith("genai/int4")} == {
        *("verification.json", "notes.txt", "int8_static/mine.txt")
    }
    assert (folder / "genai" / "int4" / "manifest.json").is_file()


@pytest.mark.parametrize(
    "name",
    [
        "bundle/keep.txt",
        "genai/int4/a/keep.txt",
        "bitsandbytes/nf4/keep.txt",
        "merged/bf16/keep.txt",
        "fp32/keep.txt",
        "scratch/keep.txt",
    ],
)
def test_a_file_beside_those_of_slimtune_is_kept(tmp_path: Path, name: str) -> None:
    kept = written(exported(tmp_path) / name)
    with pytest.raises(ModelError, match=r"keep.txt was not written by slimtune; move it away, or export into another"):
        check_export_folder(tmp_path, CONFIG)
    assert kept.read_text() == "mine"


@pytest.mark.parametrize(
    "name",
    [
        "bundle/manifest.json",
        "bundle",
        "genai/int4/model.onnx",
        "bitsandbytes/nf4/model.safetensors",
        "merged/bf16/model.safetensors",
        "fp32/model.onnx",
        "fp16/model.onnx",
        "scratch/model.onnx",
        "verification.json",
        "variants.png",
    ],
)
def test_a_folder_of_somebody_elses_is_left_alone(tmp_path: Path, name: str) -> None:
    written(tmp_path / name, "{}")
    with pytest.raises(ModelError, match="was not written by slimtune"):
        check_export_folder(tmp_path, CONFIG)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    manifested(tmp_path / "elsewhere")
    (tmp_path / "bundle").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ModelError, match="bundle was not written by slimtune"):
        check_export_folder(tmp_path, CONFIG)


def test_what_is_read_is_not_written_over(tmp_path: Path) -> None:
    folder = exported(tmp_path)
    for source in (folder, folder / "bitsandbytes" / "nf4"):
        with pytest.raises(ModelError, match="which is read; export into another folder"):
            check_export_folder(folder, CONFIG, {"--run": str(source)})
    check_export_folder(folder / "export", CONFIG, {"--run": str(folder), "--base": "nosuch"})


@pytest.mark.parametrize(("name", "said"), [("out/bundle/keep.txt", "keep.txt was not written"), ("out", "is a file")])
def test_the_command_asks_first(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, said: str) -> None:
    kept = written(tmp_path / name)
    assert main(["export", "--run", "nosuch", "--out", str(tmp_path / "out")]) == 2
    assert said in capsys.readouterr().err
    assert kept.read_text() == "mine"


def test_a_folder_of_adapters_with_another_file_is_left_alone(tmp_path: Path) -> None:
    folder = manifested(tmp_path / "served", adapters={})
    _check_output(folder)
    written(folder / "genai" / "keep.txt")
    with pytest.raises(ModelError, match=r"has other files, such as genai/keep.txt, .* give a new folder"):
        _check_output(folder)
