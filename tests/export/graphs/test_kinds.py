"""Several labels and pairs of texts, from a trained checkpoint to answers of a bundle."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from slimtune.export.bundle.bundle import open_bundle
from slimtune.export.config import Variant
from slimtune.export.evaluation.evaluate_model import EvaluationColumns, evaluate_model
from slimtune.export.pipeline import export_checkpoint
from slimtune.export.promotion.gate import incomparable
from slimtune.export.registry.pyfunc import ServedBundle
from slimtune.export.runtime.classifier import Classifier
from slimtune.export.runtime.encoder_session import EncoderSession, TextSettings
from slimtune.sweeper.cli import main
from slimtune.training.checkpoints.checkpoint import open_checkpoint
from slimtune.training.errors import DataError
from tests.conftest import write_jsonl
from tests.export.conftest import export_config, no_timing, trained
from tests.training.tasks.conftest import CASES

BY_NAME = {case.name: case for case in CASES}


@pytest.fixture(scope="module", params=["multi_label", "pairs"])
def exported(
    request: pytest.FixtureRequest, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path, Path]:
    """The case's name, a checkpoint, and its bundle's folder."""
    case, folder = BY_NAME[request.param], tmp_path_factory.mktemp(request.param)
    rows = write_jsonl(folder / "rows.jsonl", case.rows)
    own = ("data.drop_leaks=false", "fit.epochs=12", "fit.learning_rate=5e-3", "fit.patience=null")
    checkpoint = trained(folder, tiny_model, rows, *case.overrides, *own)
    asked = export_config(variants=[Variant.int8_blockwise], min_agreement=0.5, max_metric_drop=0.2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("slimtune.export.verification.measured_variants.measure", no_timing)
        result = export_checkpoint(checkpoint, config=asked, folder=folder / "export")
    fp32 = result.reports[1]
    assert (fp32.agreement, fp32.max_logit_gap < 1e-4) == (1.0, True)
    assert result.bundle is not None
    return request.param, checkpoint, result.bundle.folder


def given_of(name: str) -> list[Any]:
    rows = BY_NAME[name].rows[:12]
    return [(row["text"], row["other"]) if name == "pairs" else row["text"] for row in rows]


def test_the_graph_answers_as_pytorch(exported: tuple[str, Path, Path]) -> None:
    """Both texts of a pair are seen, and which of them a word is in."""
    name, checkpoint, folder = exported
    opened = open_checkpoint(checkpoint)
    model, tokenizer = opened.model(), opened.tokenizer()
    given = given_of(name)
    with torch.inference_mode():
        parts = [tokenizer(*(one if isinstance(one, tuple) else (one,)), return_tensors="pt") for one in given]
        logits = [model(**{key: part[key] for key in part}).logits for part in parts]
    expected_NC = torch.cat(logits).numpy()
    fp32 = Classifier(open_bundle(folder).model)
    gap = np.abs(fp32.logits(given) - expected_NC).max()
    assert gap < 0.1 * np.abs(expected_NC).max()
    if name == "pairs":
        swapped = [(other, text) for text, other in given]
        assert np.abs(fp32.logits(swapped) - fp32.logits(given)).max() > 10 * gap


def test_predict_writes_what_the_bundle_answers(exported: tuple[str, Path, Path], tmp_path: Path) -> None:
    name, _, folder = exported
    source, out = write_jsonl(tmp_path / "in.jsonl", BY_NAME[name].rows[:12]), tmp_path / "out.jsonl"
    more = ["--text-pair-column", "other"] if name == "pairs" else []
    assert main(["predict", "--model", str(folder), "--file", str(source), "--out", str(out), *more]) == 0
    written = [json.loads(line) for line in out.read_text().splitlines()]
    answers = Classifier(open_bundle(folder).model).answer(given_of(name))
    for row, answer in zip(written, answers, strict=True):
        labels = row["prediction"] if name == "multi_label" else [row["prediction"]]
        assert labels == list(answer.labels)
    if name == "multi_label":
        assert {len(answer.labels) for answer in answers} > {1}, "some rows have two labels"


def test_a_checkpoint_and_its_bundle_score_the_same(exported: tuple[str, Path, Path]) -> None:
    name, checkpoint, folder = exported
    rows = [{**row, "text_pair": row.get("other")} for row in BY_NAME[name].rows]
    trained, found = evaluate_model(str(checkpoint), data=rows).scores, evaluate_model(str(folder), data=rows).scores
    assert found.keys() == trained.keys()
    assert found["f1_macro"] == pytest.approx(trained["f1_macro"], abs=0.1)


def test_it_is_served_and_stands_before_the_gate(exported: tuple[str, Path, Path]) -> None:
    import pandas

    name, _, folder = exported
    given = given_of(name)
    columns = {"text": [one[0] if name == "pairs" else one for one in given]}
    if name == "pairs":
        columns["text_pair"] = [one[1] for one in given]
    served = ServedBundle(folder).predict(pandas.DataFrame(columns))
    kind = list if name == "multi_label" else str
    assert all(isinstance(label, kind) for label in served["label"])
    bundle = open_bundle(folder)
    assert incomparable(bundle, bundle) is None


def test_a_second_text_may_be_empty(exported: tuple[str, Path, Path]) -> None:
    """As in training: an empty one is still a second one."""
    name, checkpoint, folder = exported
    rows = [{**row, "text_pair": ""} for row in BY_NAME[name].rows[:12]]
    if name == "pairs":
        assert evaluate_model(str(folder), data=rows).scores["accuracy"] >= 0
        session = EncoderSession(folder, folder / "tokenizer.json", TextSettings(32, 0))
        tokenizer = open_checkpoint(checkpoint).tokenizer()
        (ours,), theirs = session.encode([("Ben saw it", "")]), tokenizer(["Ben saw it"], [""])
        assert ([list(ours.ids)], [list(ours.types)]) == (theirs["input_ids"], theirs["token_type_ids"])
    else:
        with pytest.raises(DataError, match="the model takes single texts; leave it out"):
            evaluate_model(str(folder), data=rows, columns=EvaluationColumns(text_pair="text_pair"))
        with pytest.raises(DataError, match="the model takes single texts; leave it out"):
            evaluate_model(str(checkpoint), data=rows, columns=EvaluationColumns(text_pair="text_pair"))


def test_a_model_of_pairs_says_what_it_wants(
    exported: tuple[str, Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    name, _, folder = exported
    more = ["--text-pair", "it was Lima"] if name == "multi_label" else []
    assert main(["predict", "--model", str(folder), "--text", "Ben saw it", *more]) == 2
    wanted = "single texts, and is given pairs" if name == "multi_label" else "pairs of texts, and is given single ones"
    assert f"the model takes {wanted}" in capsys.readouterr().err
