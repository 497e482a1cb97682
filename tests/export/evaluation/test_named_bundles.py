"""A bundle is found by what holds it, and what is none is told what to name instead."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from slimtune.export.bundle.bundle import Bundle, open_bundle, write_manifest
from slimtune.export.evaluation.bundle_score import bundle_config, score_bundle
from slimtune.export.graph_names import Kind
from slimtune.export.pipeline import ExportResult
from slimtune.export.registry.find_bundle import locate_bundle, named_bundle
from slimtune.sweeper.cli import main
from slimtune.training.errors import ModelError


@pytest.fixture
def sweep(exported: ExportResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    assert exported.bundle is not None
    shutil.copytree(exported.bundle.folder, tmp_path / "outputs" / "mine" / "export" / "bundle")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "outputs" / "mine"


@pytest.mark.parametrize(
    "name", ["mine", "outputs/mine", "outputs/mine/export", "outputs/mine/export/bundle/manifest.json"]
)
def test_a_sweep_and_an_export_are_the_one_bundle_in_them(
    sweep: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert locate_bundle(name, None).folder.absolute() == sweep / "export" / "bundle"
    assert main(["predict", "--model", name, "--text", "good soup"]) == 0
    assert capsys.readouterr().out.strip().endswith("good soup")


def test_of_several_bundles_one_is_to_be_named(sweep: Path) -> None:
    shutil.copytree(sweep / "export" / "bundle", sweep / "export" / "genai" / "int4")
    with pytest.raises(ModelError, match=r"leads to 2 bundles; name one of them: .*bundle, .*int4"):
        named_bundle("mine")
    assert named_bundle("outputs/mine/export/genai") == Path("outputs/mine/export/genai/int4")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nosuch", "there is no folder of that name; give"),
        ("trainedd", r"outputs/ lies; did you mean 'trained'\?"),
        ("outputs/traind", r"outputs/ lies; did you mean 'outputs/trained'\?"),
        ("rows.jsonl", "it is a file; give a folder"),
        ("trained", "of the sweep in outputs/trained: it is a sweep's folder without a bundle; make one of what it"),
        ("outputs/trained", "slimtune export --run outputs/trained --out exported"),
        ("plain", r"plain is no bundle: .* \(BertModel\), which answers nothing yet: it has no head"),
        ("tags", "--run tags --out exported task=extraction"),
        ("fp32", "a graph without tokenizer and manifest"),
    ],
)
def test_what_is_no_bundle_is_told_what_to_name(sweep: Path, name: str, said: str) -> None:
    folders = {
        "outputs/trained/study.db": "",
        "plain/config.json": '{"architectures": ["BertModel"]}',
        "tags/config.json": '{"architectures": ["BertForTokenClassification"]}',
        "fp32/model.onnx": "",
        "rows.jsonl": "",
    }
    for path, content in folders.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(content)
    with pytest.raises(ModelError, match=said):
        locate_bundle(name, None)


def test_a_bundle_is_not_exported_again(sweep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--run", str(sweep / "export" / "bundle"), "--out", "again"]) == 2
    assert "it is a bundle already" in capsys.readouterr().err


def test_a_store_that_is_not_there_is_not_made_by_a_look(sweep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = sweep / "none.db"
    given = ["--model", "models:/mine/1", "--text", "a", "--tracking-uri", f"sqlite:///{store}"]
    assert main(["predict", *given]) == 2
    assert f"there is no {store}" in capsys.readouterr().err
    assert not store.exists()


def test_a_folder_for_another_runtime_names_the_bundle_beside_it(exported: ExportResult, tmp_path: Path) -> None:
    """Its graph is another program's, and has no scores of rows to give."""
    assert exported.bundle is not None
    manifest = exported.bundle.manifest
    manifest = replace(manifest, interface=replace(manifest.interface, kind=Kind.genai))
    folder = tmp_path / "genai" / "int4"
    with pytest.raises(ModelError, match=f"score the bundle beside it, {tmp_path / 'bundle'}"):
        score_bundle(Bundle(folder, manifest), [], bundle_config(exported.bundle))


def test_a_folder_of_adapters_is_told_where_one_model_is_asked_for(tmp_path: Path) -> None:
    write_manifest(tmp_path, {"format": 1, "adapters": {}})
    with pytest.raises(ModelError, match=r"is a base with several adapters, .* --adapter <name>"):
        open_bundle(tmp_path)
