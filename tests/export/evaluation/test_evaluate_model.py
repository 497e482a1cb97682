"""One command scores a checkpoint, a bundle and rows given in Python."""

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from slimtune.export.bundle.bundle import MANIFEST, write_manifest
from slimtune.export.evaluation.evaluate_model import EvaluationColumns, evaluate_model
from slimtune.export.pipeline import ExportResult
from slimtune.sweeper.cli import main
from slimtune.training.errors import ConfigError, DataError
from tests.conftest import make_rows, write_jsonl


@pytest.fixture
def bundle(exported: ExportResult) -> str:
    assert exported.bundle is not None
    return str(exported.bundle.folder)


def test_a_checkpoint_and_its_bundle_score_the_same(bundle: str, checkpoint: Path, tmp_path: Path) -> None:
    """On rows that neither has seen; the numbers are those of counting by hand."""
    path = str(write_jsonl(tmp_path / "rows.jsonl", make_rows(60, seed=7)))
    scores = evaluate_model(str(checkpoint), data=path).scores
    assert scores["accuracy"] == pytest.approx(evaluate_model(bundle, data=path).scores["accuracy"], abs=0.04)
    assert {"loss", "accuracy", "f1_macro"} <= scores.keys()
    assert evaluate_model(checkpoint, data=make_rows(60, seed=7), metric="accuracy").scores == {
        "accuracy": scores["accuracy"]
    }


def test_a_path_is_a_file_of_rows(bundle: str, tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "rows.jsonl", make_rows(9, seed=7))
    assert evaluate_model(Path(bundle), data=path) == evaluate_model(bundle, data=str(path))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"text": "good soup", "label": "plus"}, r"rows are asked for, not \{.*; give the name of a file, or a list"),
        (None, "rows are asked for, not None"),
        ([{"text": "good soup", "label": "plus"}, "good soup"], "row 2 is 'good soup', which is no dict; give"),
        (pd.DataFrame(make_rows(3, seed=7)), r"the rows are a table; .*\.to_dict\('records'\)"),
    ],
)
def test_what_is_no_rows_is_told(bundle: str, checkpoint: Path, given: Any, told: str) -> None:
    for model in (bundle, str(checkpoint)):
        with pytest.raises(DataError, match=told):
            evaluate_model(model, data=given)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"model": None}, "model is None; name a checkpoint's or trial's folder"),
        ({"columns": {"text": "phrase"}}, r"columns is \{'text': 'phrase'\}; use EvaluationColumns\(text="),
        ({"metric": ["accuracy", "f1_macro"]}, r"metric is \['accuracy', 'f1_macro'\]; name one score"),
    ],
)
def test_arguments_of_another_kind_are_told(bundle: str, arguments: dict[str, Any], told: str) -> None:
    given: dict[str, Any] = {"model": bundle, "data": make_rows(3, seed=7), **arguments}
    with pytest.raises(ConfigError, match=told):
        evaluate_model(given.pop("model"), **given)


def test_rows_that_the_model_was_trained_on_are_counted_and_told(
    bundle: str, checkpoint: Path, rows_file: Path, tmp_path: Path
) -> None:
    """Of a checkpoint as of its bundle; not known where the training rows are other ones now."""
    rows = [json.loads(line) for line in rows_file.read_text().splitlines()]
    for model in (str(checkpoint), bundle):
        seen, new = evaluate_model(model, data=rows), evaluate_model(model, data=make_rows(9, seed=99))
        assert (seen.num_seen or 0) > new.num_seen == 0
        told = f"{seen.num_seen} of the {seen.num_rows} rows are training rows of the model (row "
        assert [note for note in seen.notes if note.startswith(told)]
        assert not [note for note in new.notes if "training rows" in note]
    own = shutil.copytree(bundle, tmp_path / "bundle")
    write_manifest(own, {**json.loads((own / MANIFEST).read_text()), "data_fingerprint": "other"})
    assert evaluate_model(own, data=rows).num_seen is None


def test_columns_may_have_other_names(bundle: str, tmp_path: Path) -> None:
    rows = [{"phrase": row["text"], "tone": row["label"]} for row in make_rows(30, seed=7)]
    named = evaluate_model(bundle, data=rows, columns=EvaluationColumns("phrase", "tone")).scores
    assert named == evaluate_model(bundle, data=make_rows(30, seed=7)).scores
    with pytest.raises(
        DataError, match=r"row 1: no column 'text' \(EvaluationColumns.text\); the row has phrase, tone"
    ):
        evaluate_model(bundle, data=rows)


def test_rows_are_read_by_the_columns_of_training_or_by_the_usual_ones(bundle: str, tmp_path: Path) -> None:
    """The former may be a path into an object; of rows that have neither, both are named."""
    own = shutil.copytree(bundle, tmp_path / "bundle")
    values = json.loads((own / MANIFEST).read_text())
    values["config"]["data"] |= {"text_column": "post.title", "label_column": "mood"}
    write_manifest(own, values)
    rows = make_rows(30, seed=7)
    usual = evaluate_model(own, data=rows).scores
    nested = [{"post": {"title": row["text"]}, "mood": row["label"]} for row in rows]
    assert evaluate_model(own, data=nested).scores == usual
    for odd, lacking in (
        ({"body": "x", "mood": "y"}, "no column 'post.title', by which the model was trained, and no 'text'"),
        ({"text": "x", "tone": "y"}, "no column 'mood', by which the model was trained, and no 'label'"),
    ):
        with pytest.raises(DataError, match=f"row 1: {lacking}"):
            evaluate_model(own, data=[odd])


def test_a_score_that_the_task_has_not_is_told(bundle: str) -> None:
    with pytest.raises(ConfigError, match="metric is 'accurcy'; did you mean 'accuracy'"):
        evaluate_model(bundle, data=make_rows(9), metric="accurcy")


def test_a_metric_of_the_users_own_is_scored_with_trust_and_else_said_to_be_missing(
    bundle: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = shutil.copytree(bundle, tmp_path / "bundle")
    values = json.loads((own / MANIFEST).read_text())
    values["config"]["task"]["metrics"] = ["accuracy", "business.cost"]
    write_manifest(own, values)
    monkeypatch.syspath_prepend(str(tmp_path))
    # class ids in the order of the names
    (tmp_path / "business.py").write_text("def cost(predictions, references, rows):\n    return references.count(2)\n")
    rows = make_rows(30, seed=7)
    usual = evaluate_model(bundle, data=rows).scores
    without = evaluate_model(own, data=rows)
    assert without.scores == usual
    assert any("without business.cost" in note and "--trust" in note for note in without.notes)
    scored = evaluate_model(own, data=rows, trust=True)
    assert scored.scores["cost"] == sum(row["label"] == "zero" for row in rows) > 0
    assert not any("business.cost" in note for note in scored.notes)


@pytest.mark.parametrize("kind", ["checkpoint", "bundle"])
def test_unknown_labels_are_told_with_file_and_row(kind: str, checkpoint: Path, bundle: str, tmp_path: Path) -> None:
    model = str(checkpoint) if kind == "checkpoint" else bundle
    rows = [*make_rows(9), *({"text": f"{name} soup", "label": name} for name in ("odd", "even", "odd"))]
    path = str(write_jsonl(tmp_path / "rows.jsonl", rows))
    told = (
        rf"labels .* not know: 'odd' \({path}, row 10, and 1 more\), 'even' \({path}, row 11\); "
        "it knows minus, plus, zero; "
    )
    with pytest.raises(DataError, match=told) as refused:
        evaluate_model(model, data=path)
    assert "task.labels" not in str(refused.value)
    with pytest.raises(DataError, match=r"a label that the model does not know: 'odd' \(row 1\); it knows"):
        evaluate_model(model, data=rows[9:10])


def test_the_command_prints_scores_and_logs_a_run(
    checkpoint: Path, bundle: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from slimtune.training.tracking.mlflow_runs import client_of

    monkeypatch.chdir(tmp_path)
    path = str(write_jsonl(tmp_path / "rows.jsonl", make_rows(30, seed=7)))
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    arguments = ["evaluate", "--model", str(checkpoint), "--data", path]
    assert main([*arguments, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["num_rows"], told["num_seen"]) == (30, 0)
    assert sum(map(sum, told["confusion"])) == 30
    assert main(arguments) == 0
    assert "not logged: there is no" in capsys.readouterr().out
    for model in (str(checkpoint), bundle):
        written = tmp_path / "answers.jsonl"
        given = ["evaluate", "--model", model, "--data", path, "--json", "--predictions", str(written)]
        assert main(given) == 0
        rows = [json.loads(line) for line in written.read_text().splitlines()]
        assert [row["text"] for row in rows] == [row["text"] for row in make_rows(30, seed=7)]
        right = sum(row["prediction"] == row["label"] for row in rows) / 30
        assert right == pytest.approx(json.loads(capsys.readouterr().out)["accuracy"])
    assert main([*arguments, "--predictions", str(tmp_path / "absent" / "answers.jsonl")]) == 2
    assert "there is no folder" in capsys.readouterr().err
    client = client_of(uri)
    assert main([*arguments, "--tracking-uri", uri]) == 0
    output = capsys.readouterr().out
    assert "by label" in output
    experiment = client.get_experiment_by_name("file")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.data.tags["kind"] == "evaluation"
    assert run.data.metrics["evaluation/accuracy"] == pytest.approx(told["accuracy"], abs=1e-6)
