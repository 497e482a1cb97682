"""Folders for onnxruntime-genai of a trained checkpoint, beside its bundle."""

import json
from pathlib import Path

import pytest

from slimtune.export.bundle.bundle import open_bundle
from slimtune.export.graph_names import Kind
from slimtune.export.pipeline import export_checkpoint
from slimtune.export.precisions import GenaiPrecision
from slimtune.export.runtime.row_predictor import LocatedRow, TextColumns, row_predictor_of
from slimtune.sweeper.checks import problems_of
from slimtune.sweeper.cli import main
from slimtune.training.errors import ModelError
from tests.conftest import write_jsonl
from tests.export.conftest import export_config, trained
from tests.training.tasks.conftest import CASES

pytest.importorskip("onnxruntime_genai", reason="onnxruntime-genai is not installed: pip install 'slimtune[genai]'")

BY_NAME = {case.name: case for case in CASES}
# its heads must be a multiple of 16
WIDER = ("model.scratch.hidden_size=64",)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.usefixtures("untimed")
def test_a_folder_is_proven_predicted_with_and_served(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """fp32 answers as the bundle of graphs does; int4 is measured, and refused where it costs more than allowed."""
    case = BY_NAME["generation"]
    rows = write_jsonl(tmp_path / "rows.jsonl", case.rows)
    own = ("data.drop_leaks=false", "fit.epochs=12", "fit.learning_rate=5e-3", "fit.patience=null")
    checkpoint = trained(tmp_path, None, rows, *case.overrides, *WIDER, *own)
    both = [GenaiPrecision.fp32, GenaiPrecision.int4]
    asked = export_config(variants=[], genai=both, max_metric_drop=0.0001)
    exported = export_checkpoint(checkpoint, config=asked, folder=tmp_path / "export")
    fp32, int4 = exported.genai
    assert (fp32.passed, fp32.checked.answers_equal) == (True, 1.0)
    assert fp32.checked.perplexity == pytest.approx(fp32.checked.perplexity_pytorch, rel=1e-4)
    assert int4.checked.size_mb < 0.5 * fp32.checked.size_mb
    assert (tmp_path / "export/genai/int4").is_dir() is int4.passed
    folder = tmp_path / "export" / "genai" / "fp32"
    bundle = open_bundle(folder)
    assert bundle.kind is Kind.genai
    assert exported.bundle is not None
    asked_rows = [LocatedRow(row, "a row") for row in case.rows[:6]]
    found, expected = (
        row_predictor_of(one.model, TextColumns()).answers(asked_rows) for one in (bundle, exported.bundle)
    )
    assert found == expected
    assert main(["predict", "--model", str(folder), "--text", case.rows[0]["text"]]) == 0
    assert capsys.readouterr().out.startswith(expected[0]["prediction"])
    check_served(folder, tmp_path)
    settings = folder / "genai_config.json"
    settings.write_text(json.dumps({**json.loads(settings.read_text()), "odd": 1}))
    with pytest.raises(ModelError, match="was changed"):
        open_bundle(folder)


def check_served(folder: Path, tmp_path: Path) -> None:
    """It becomes a champion by its perplexity, and MLflow loads it."""
    import mlflow

    uri = f"sqlite:///{tmp_path / 'mlruns' / 'mlflow.db'}"
    assert main(["promote", str(folder), "--name", "writer", "--tracking-uri", uri]) == 0
    mlflow.set_tracking_uri(uri)
    served = mlflow.pyfunc.load_model("models:/writer@champion")
    assert isinstance(served.predict(served.input_example)["prediction"][0], str)


def test_what_does_not_write_has_no_such_folder(config_of: object) -> None:
    assert callable(config_of)
    (problem,) = problems_of(config_of("export=onnx", "export.genai=[int4]"))
    assert problem == "export.genai is for causal models, and task=classification has none; use export.genai=[]"
