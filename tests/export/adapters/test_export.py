"""One encoder with three classifiers of their own labels and ranks, from training to answers."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from slimtune.export.adapters.source import AdapterSource
from slimtune.export.bundle.adapter_folder import open_adapter_folder
from slimtune.export.runtime.classifier import Classifier
from slimtune.export.runtime.encoder_session import EncoderSession, Text, TextSettings
from slimtune.sweeper.cli import main
from slimtune.training.checkpoints.checkpoint import open_checkpoint
from tests.conftest import write_jsonl
from tests.export.conftest import documented, export_adapters, predicted, run_code, trained
from tests.training.tasks.conftest import CASES, VERBS

BY_NAME = {case.name: case for case in CASES}
QUICK = ("data.drop_leaks=false", "fit.epochs=4", "fit.learning_rate=5e-3", "fit.patience=null")


@pytest.fixture(scope="module")
def checkpoints(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Adapters of one base: rank 2, rank 8 with rsLoRA and several labels, and one of pairs on other layers."""
    own = {
        "classification": ("method.r=2",),
        "multi_label": (
            "method.r=8",
            "method.use_rslora=true",
            "method.rank_pattern={layer.1.attention.self.query: 3}",
        ),
        "pairs": ("method.r=4", "method.target_modules=[query,value,dense]", "method.modules_to_save=[]"),
    }
    folders = {}
    for name, more in own.items():
        folder = tmp_path_factory.mktemp(name)
        rows = write_jsonl(folder / "rows.jsonl", BY_NAME[name].rows)
        folders[name] = trained(folder, tiny_model, rows, *BY_NAME[name].overrides, *QUICK, *more)
    return folders


@pytest.fixture(scope="module")
def folder(tiny_model: Path, checkpoints: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("out") / "adapters"
    assert export_adapters(tiny_model, checkpoints, output) == 0
    return output


def manifest_of(folder: Path) -> Any:
    return json.loads((folder / "manifest.json").read_text())


def given_of(name: str) -> list[Text]:
    rows = BY_NAME[name].rows[:16]
    return [(row["text"], row["other"]) if name == "pairs" else row["text"] for row in rows]


@torch.inference_mode()
def peft_logits(checkpoint: Path, given: list[Text]) -> np.ndarray:
    opened = open_checkpoint(checkpoint)
    model, tokenizer = opened.model(), opened.tokenizer()
    parts = [tokenizer(*(one if isinstance(one, tuple) else (one,)), return_tensors="pt") for one in given]
    return torch.cat([model(**{key: part[key] for key in part}).logits for part in parts]).numpy()


@pytest.mark.parametrize("name", ["classification", "multi_label", "pairs"])
def test_an_adapter_on_the_graph_is_the_adapter_in_peft(name: str, folder: Path, checkpoints: dict[str, Path]) -> None:
    """Each with a head, a pooler, ranks and layers of its own, over one file of the base."""
    given = given_of(name)
    expected_NC = peft_logits(checkpoints[name], given)
    found_NC = Classifier(open_adapter_folder(folder).model(name)).logits(given)
    assert found_NC.shape == expected_NC.shape
    assert np.abs(found_NC - expected_NC).max() < 1e-5 * np.abs(expected_NC).max()


def test_adapters_are_switched_on_one_base(folder: Path, checkpoints: dict[str, Path]) -> None:
    """Back and forth in one session, and each time as the first."""
    opened = open_adapter_folder(folder)
    settings, tokenizer = TextSettings(32, 0), folder / "tokenizer.json"
    base = EncoderSession(folder, tokenizer, settings)
    sessions = {name: base.with_adapter(opened.file(name)) for name in opened.names}
    given = given_of("classification")
    first = {name: session.outputs(given) for name, session in sessions.items()}
    for name in reversed(opened.names):
        assert np.array_equal(sessions[name].outputs(given), first[name])
    assert {name: logits.shape[1] for name, logits in first.items()} == {
        "classification": 6,
        "multi_label": 6 + len({verb[0] for verb in VERBS}),
        "pairs": 2,
    }
    assert base.outputs(given).shape == (len(given), 0), "no head, no classes"


def test_the_manifest_says_what_each_adapter_is(folder: Path) -> None:
    manifest = manifest_of(folder)
    facts = manifest["adapters"]
    assert {name: one["ranks"] for name, one in facts.items()} == {
        "classification": [2],
        "multi_label": [3, 8],
        "pairs": [4],
    }
    assert facts["pairs"]["labels"] == ["no", "yes"]
    assert (facts["pairs"]["takes_pairs"], facts["multi_label"]["multi_label"]) == (True, True)
    assert [one["name"] for one in manifest["checks"]] == ["base", "classification", "multi_label", "pairs"]
    assert all(one["relative_gap"] < 1e-5 and one["agreement"] == 1 for one in manifest["checks"])
    assert manifest["files"].keys() == {path.name for path in folder.iterdir()} - {"manifest.json"}
    assert manifest["base"]["labels"] == []


@pytest.mark.parametrize("name", ["multi_label", "pairs"])
def test_predict_takes_an_adapter(name: str, folder: Path, checkpoints: dict[str, Path], tmp_path: Path) -> None:
    source, out = write_jsonl(tmp_path / "in.jsonl", BY_NAME[name].rows[:16]), tmp_path / "out.jsonl"
    more = ["--text-pair-column", "other"] if name == "pairs" else []
    given = ["predict", "--model", str(folder), "--adapter", name, "--file", str(source), "--out", str(out)]
    assert main([*given, *more]) == 0
    labels = manifest_of(folder)["adapters"][name]["labels"]
    expected_NC = peft_logits(checkpoints[name], given_of(name))
    for line, scores_C in zip(out.read_text().splitlines(), expected_NC, strict=True):
        answer = json.loads(line)["prediction"]
        wanted = [labels[at] for at in np.flatnonzero(scores_C > 0)]
        assert answer == (wanted if name == "multi_label" else labels[scores_C.argmax()])


def test_predict_imports_neither_torch_nor_transformers(folder: Path) -> None:
    printed = predicted("--model", str(folder), "--adapter", "classification", "--text", "Ben saw Lima")
    assert printed.split("\t")[0] in manifest_of(folder)["adapters"]["classification"]["labels"]


def test_the_documented_lines_need_onnxruntime_and_tokenizers_only(folder: Path) -> None:
    """And give what `predict` gives."""
    code = documented("adapters.md")
    assert 'folder, name = "served", "tone"' in code
    code = code.replace('"served", "tone"', f'"{folder}", "classification"')
    printed = run_code(code)
    answers = Classifier(open_adapter_folder(folder).model("classification")).answer(["I could cry with joy"])
    assert printed.strip() == answers[0].labels[0]


@pytest.mark.parametrize(
    ("adapter", "message"),
    [
        ([], "has several adapters; give --adapter (in Python adapter=): classification, multi_label, pairs"),
        (["--adapter", "clasification"], "did you mean 'classification'?"),
        (["--adapter", "base"], "the base alone has no labels to answer with"),
    ],
)
def test_an_adapter_must_be_named(
    adapter: list[str], message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", "--model", str(folder), "--text", "Ben saw it", *adapter]) == 2
    assert message in capsys.readouterr().err


def test_an_ordinary_bundle_has_no_adapters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({"labels": ["no", "yes"]}))
    assert main(["predict", "--model", str(tmp_path), "--adapter", "a", "--text", "x"]) == 2
    assert "is no folder of adapters; leave --adapter (in Python adapter=) out" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["pairs.onnx_adapter", "model.onnx"])
def test_a_changed_file_is_refused(name: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copied = shutil.copytree(folder, tmp_path / "copied")
    data = bytearray((copied / name).read_bytes())
    data[-1] ^= 1
    (copied / name).write_bytes(data)
    assert main(["predict", "--model", str(copied), "--adapter", "classification", "--text", "x"]) == 2
    assert f"{name} was changed" in capsys.readouterr().err


def test_a_wrong_scale_is_found_and_nothing_is_left(
    tiny_model: Path,
    checkpoints: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An update that is two percent too large."""
    scale = AdapterSource.scale
    monkeypatch.setattr(AdapterSource, "scale", lambda source, module: 1.02 * scale(source, module))
    given = {"mine": checkpoints["classification"]}
    assert export_adapters(tiny_model, given, tmp_path / "out") == 2
    assert "adapter mine differs on the graph from PyTorch by" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_other_files_is_left_alone(
    tiny_model: Path, checkpoints: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    assert export_adapters(tiny_model, checkpoints, tmp_path) == 2
    assert "has other files; give a new folder" in capsys.readouterr().err
    assert (tmp_path / "letter.txt").read_text() == "dear"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_folder_is_registered_and_served(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each row names its adapter, or the request names one for all rows; the command takes one by its name."""
    import mlflow
    import pandas

    monkeypatch.chdir(tmp_path)
    assert main(["promote", str(folder), "--name", "several"]) == 0
    assert "beats_baseline  it has no record" in " ".join(capsys.readouterr().out.split(" "))
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'mlruns' / 'mlflow.db'}")
    served = mlflow.pyfunc.load_model("models:/several@champion")
    assert len(served.predict(served.input_example)) == 1
    row = BY_NAME["classification"].rows[0]
    rows = pandas.DataFrame({"text": [row["text"]] * 2, "adapter": ["multi_label", "classification"]})
    several, one = served.predict(rows)["label"]
    assert isinstance(several, list)
    assert isinstance(one, str)
    asked = served.predict(rows[["text"]], params={"adapter": "multi_label"})["label"]
    assert list(asked) == [several, several]
    with pytest.raises(mlflow.MlflowException, match="did you mean 'classification'"):
        served.predict(rows.assign(adapter="clasification"))
    chosen = ["--adapter", "classification", "--text", row["text"]]
    assert main(["predict", "--model", "models:/several@champion", *chosen]) == 0
    assert capsys.readouterr().out.split("\t")[0] == one
    assert main(["predict", "--model", "models:/several@champion", "--text", "a"]) == 2
    assert "give --adapter" in capsys.readouterr().err
