import csv
import json
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer

from slimtune.export.bundle.bundle import open_bundle
from slimtune.export.pipeline import ExportResult
from slimtune.export.runtime.classifier import Classifier
from slimtune.sweeper.cli import main
from slimtune.training.checkpoints.checkpoint import open_checkpoint
from tests.conftest import make_rows, write_jsonl
from tests.export.conftest import documented, predicted, run_code


@pytest.fixture
def bundle(exported: ExportResult) -> str:
    assert exported.bundle is not None
    return str(exported.bundle.folder)


def test_it_imports_neither_torch_nor_transformers(bundle: str) -> None:
    printed = predicted("--model", bundle, "--text", "good soup")
    label, probability, text = printed.strip().split("\t")
    assert (label, text) == ("plus", "good soup")
    assert 0 < float(probability) <= 1


def test_a_file_keeps_its_rows_and_gets_pytorchs_labels(bundle: str, checkpoint: Path, tmp_path: Path) -> None:
    rows = [{"id": index, **row} for index, row in enumerate(make_rows(50, seed=9))]
    source, out = write_jsonl(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl"
    assert main(["predict", "--model", bundle, "--file", str(source), "--out", str(out)]) == 0
    predicted = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["id"] for row in predicted] == list(range(50))
    model, tokenizer = open_checkpoint(checkpoint).model(), AutoTokenizer.from_pretrained(checkpoint)
    agree = 0
    for row in predicted:
        inputs = tokenizer(row["text"], return_tensors="pt")
        with torch.no_grad():
            logits = model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"]).logits
        agree += ["minus", "plus", "zero"][int(logits.argmax())] == row["prediction"]
    assert agree >= 49


def test_a_table_of_answers_has_their_columns_after_those_of_any_row(bundle: str, tmp_path: Path) -> None:
    source = write_jsonl(tmp_path / "in.jsonl", [{"text": "good soup"}, {"text": 'good, "or"', "prediction": "mine"}])
    out = tmp_path / "out.csv"
    assert main(["predict", "--model", bundle, "--file", str(source), "--out", str(out)]) == 0
    with out.open(newline="") as file:
        first, second = csv.DictReader(file)
    assert [*first] == ["text", "prediction", "model_prediction", "probability"]
    assert (first["prediction"], first["model_prediction"]) == ("", "plus")
    assert (second["text"], second["prediction"]) == ('good, "or"', "mine")


def test_the_documented_lines_need_onnxruntime_and_tokenizers_only(bundle: str) -> None:
    """And give what `predict` gives."""
    code = documented("export.md")
    assert 'folder = "outputs/tone/export/bundle"' in code
    code = code.replace("outputs/tone/export/bundle", bundle)
    printed = run_code(code)
    answers = Classifier(open_bundle(Path(bundle)).model).answer(["I could cry with joy", "leave me alone"])
    assert printed.split() == [answer.labels[0] for answer in answers]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give either --text or --file"),
        (["--text", "a", "--out", "x"], "--out goes with --file"),
        (["--file", "absent.jsonl"], "no such file"),
    ],
)
def test_bad_arguments_are_told(
    bundle: str, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["predict", "--model", bundle, *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_broken_row_leaves_nothing_half_written(
    bundle: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The row is named, and an older output stays as it was."""
    out = tmp_path / "out.jsonl"
    out.write_text("old\n")
    source = write_jsonl(tmp_path / "in.jsonl", [*make_rows(600), {"txt": "x"}])
    assert main(["predict", "--model", bundle, "--file", str(source), "--out", str(out)]) == 2
    assert "row 601: no column 'text' (--text-column); the row has txt; did you mean 'txt'?" in capsys.readouterr().err
    assert out.read_text() == "old\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


def test_an_unknown_model_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["predict", "--model", "nowhere", "--text", "x"]) == 2
    assert "nowhere is no bundle" in capsys.readouterr().err
    assert main(["predict", "--model", "models:/x@champion", "--text", "x"]) == 2
    assert "there is no" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
