"""Every task that has a graph, from a trained checkpoint to what its bundle answers."""

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch

from slimtune.export.bundle.bundle import Bundle, open_bundle
from slimtune.export.bundle.variant_report import VariantReport
from slimtune.export.checkpoint_formats.transformers_folders import FolderReport
from slimtune.export.config import Variant
from slimtune.export.evaluation.evaluate_model import EvaluationColumns, evaluate_model
from slimtune.export.graph_names import Kind
from slimtune.export.pipeline import export_checkpoint
from slimtune.export.precisions import MergedPrecision
from slimtune.export.promotion.compared_rows import given_rows_of
from slimtune.export.promotion.config import promotion_config
from slimtune.export.promotion.gate import GateVerdict, Opponent, decide
from slimtune.export.registry.pyfunc import ServedBundle
from slimtune.export.runtime.execution import Execution
from slimtune.export.runtime.row_predictor import LocatedRow, TextColumns, row_predictor_of
from slimtune.sweeper.cli import main
from slimtune.training.checkpoints.checkpoint import open_checkpoint
from slimtune.training.data.batching import collate
from slimtune.training.evaluation.test_score import score_checkpoint
from slimtune.training.tasks.rows import read_splits
from slimtune.training.workbench.prepared_data import encoded_split
from tests.conftest import write_jsonl
from tests.export.answering import ODD, WAYS, Answering, same
from tests.export.conftest import export_config, no_timing, predicted, timed_here, trained
from tests.training.tasks.conftest import CASES

BY_NAME = {case.name: case for case in CASES}
NAMES = (
    *("extraction", "similarity", "generation, LoRA", "generation, LoRA, encoder-decoder", "language_modelling"),
    "a task of one's own",
)
# what is timed otherwise than classifiers are
TIMED = ("generation, LoRA", "generation, LoRA, encoder-decoder")
VARIANTS = [Variant.fp16, Variant.int8_dynamic, Variant.int8_blockwise, Variant.int8_split, Variant.int4_blockwise]


class Made(NamedTuple):
    name: str
    checkpoint: Path
    reports: dict[str, VariantReport]
    bundle: Bundle
    merged: Sequence[FolderReport]


@pytest.fixture(scope="module", params=NAMES)
def made(
    request: pytest.FixtureRequest, tiny_model: Path, bases: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Made:
    case, folder = BY_NAME[request.param], tmp_path_factory.mktemp("made")
    rows = write_jsonl(folder / "rows.jsonl", case.rows)
    more = [
        option.replace("=LLAMA", f"={bases['LLAMA']}").replace("=T5", f"={bases['T5']}") for option in case.overrides
    ]
    own = ("data.drop_leaks=false", "fit.epochs=12", "fit.learning_rate=5e-3", "fit.patience=null")
    model = [] if any(option.startswith("model") for option in more) else [f"model.name_or_path={tiny_model}"]
    checkpoint = trained(folder, None, rows, *model, *more, *own)
    merged = [MergedPrecision.fp32, MergedPrecision.bf16]
    asked = export_config(variants=VARIANTS, min_agreement=0.0, max_metric_drop=1.0, merged=merged)
    with pytest.MonkeyPatch.context() as patch:
        timing = timed_here if request.param in TIMED else no_timing
        patch.setattr("slimtune.export.verification.measured_variants.measure", timing)
        result = export_checkpoint(checkpoint, config=asked, folder=folder / "export")
    assert result.bundle is not None
    reports = {report.name: report for report in result.reports}
    return Made(request.param, checkpoint, reports, result.bundle, result.plain.merged)


def test_fp32_is_pytorch_and_every_variant_is_measured(made: Made) -> None:
    fp32 = made.reports["fp32"]
    assert fp32.agreement == 1.0
    assert fp32.max_logit_gap < 1e-4
    assert abs(fp32.metric_drop) < 1e-4
    assert made.reports.keys() == {"pytorch", "fp32", *(variant.value for variant in VARIANTS)}
    for variant in VARIANTS:
        found = made.reports[variant.value]
        if made.bundle.kind is Kind.numbers and variant is not Variant.fp16:
            # few bits move every number, by more than the hundredth of their range that is as good as the same
            assert abs(found.metric_drop) < 0.2, found
        else:
            assert found.agreement > 0.5, found
        assert found.size_mb < fp32.size_mb
        assert found.timing.latency_ms > 0
    if made.bundle.kind.writes and made.name != "language_modelling":
        assert fp32.same_text == 1.0


def test_the_merged_model_is_the_checkpoint(made: Made) -> None:
    """As it is written for transformers: loaded again it gives what PyTorch gave, in bf16 nearly."""
    fp32, bf16 = made.merged
    assert fp32.checked.agreement == 1.0
    assert fp32.checked.max_logit_gap < 1e-4
    assert 0 < bf16.checked.max_logit_gap < 0.3
    assert bf16.size_mb < fp32.size_mb


def test_predict_gives_what_the_checkpoint_gives(made: Made, tmp_path: Path) -> None:
    """Rows that a file has, in the order of the file, by whatever words, windows or prompts the task has."""
    checkpoint = open_checkpoint(made.checkpoint)
    examples = read_splits(checkpoint.config).validation
    source, out = write_jsonl(tmp_path / "in.jsonl", [one.row for one in examples]), tmp_path / "out.jsonl"
    fp32 = tmp_path / "fp32"
    arguments = ["predict", "--model", str(exact_bundle(made, fp32).folder), "--file", str(source), "--out", str(out)]
    assert main([*arguments, "--text-pair-column", "other"]) == 0
    written = [json.loads(line)["prediction"] for line in out.read_text().splitlines()]
    task, evaluation = score_checkpoint(checkpoint, examples, name="validation")
    expected = task.predictions(evaluation.tally, evaluation.generated, examples)
    if made.bundle.kind in (Kind.embedding, Kind.numbers):
        assert written == pytest.approx(expected, abs=1e-4)
    elif expected:
        assert written == expected
    else:
        # plain text is gone on with
        assert all(isinstance(text, str) for text in written)


def test_rows_without_text_are_left_out_by_all_alike(made: Made, tmp_path: Path) -> None:
    """A checkpoint, a run, a bundle and a served model: None for empty, blank and null, the same answers for others."""
    rows = [dict(row) for row in BY_NAME[made.name].rows[:5]]
    column = "text"
    for row, text in zip(rows, (rows[0][column], "", rows[0][column], None, " \n"), strict=True):
        row[column] = text
        row |= {"label": []} if made.bundle.kind is Kind.tags else {}
    if made.bundle.kind is Kind.embedding:
        rows[2]["other"] = ""
    answering = Answering(made.checkpoint, exact_bundle(made, tmp_path / "fp32").folder, tmp_path)
    expected = answering.answers("checkpoint", rows) if made.name != "language_modelling" else None
    empty = [False, True, made.bundle.kind is Kind.embedding, True, True]
    for way in WAYS if expected is not None else WAYS[-2:]:
        found = answering.answers(way, rows)
        assert [answer is None for answer in found] == empty, way
        assert expected is None or all(map(same, found, expected)), (way, found, expected)


def test_odd_texts_are_answered(made: Made) -> None:
    """Each by itself, and all together."""
    predictor = row_predictor_of(made.bundle.model, TextColumns())
    rows = [LocatedRow({"text": text, "other": text}, name) for name, text in ODD.items()]
    assert all(one["prediction"] is not None for one in predictor.answers(rows))
    assert all(predictor.answers([row])[0]["prediction"] is not None for row in rows)


def exact_bundle(made: Made, folder: Path) -> Bundle:
    """The bundle, with the graphs of fp32."""
    from slimtune.export.bundle.bundle import write_bundle

    source = made.bundle.folder
    manifest = made.bundle.manifest
    return write_bundle(folder, graphs=source.parent / "fp32", tokenizer=source, manifest=manifest, card="")


def test_the_graph_holds_at_other_shapes(made: Made) -> None:
    """Batches and lengths that it was not traced with, one row of one token among them."""
    from slimtune.export.verification.reference import ComparedRows, OnnxRunner

    checkpoint = open_checkpoint(made.checkpoint)
    task, tokenizer, config = checkpoint.task, checkpoint.tokenizer(), checkpoint.config
    split = encoded_split(read_splits(config).validation, task, tokenizer, config=config, name="validation")
    kind = Kind(task.export_kind)
    assert kind is made.bundle.kind
    rows = ComparedRows(kind=kind, task=task, split=split, tokenizer=tokenizer, config=config)
    generation = made.bundle.manifest.interface.generation
    folder = made.bundle.folder.parent / "fp32"
    runner = OnnxRunner(
        folder, rows, made.bundle.folder / "tokenizer.json", generation, execution=Execution(num_threads=1)
    )
    model = checkpoint.model()
    generator = torch.Generator().manual_seed(0)
    for num_rows in (1, 3, 5):
        chosen = torch.randint(0, len(split), (num_rows,), generator=generator).tolist()
        batch = collate(split, chosen, pad_id=tokenizer.pad_token_id, device=torch.device("cpu"))
        with torch.inference_mode():
            expected = task.logits(model, batch).numpy()
        found = runner.logits(batch).numpy()
        real = np.ones(expected.shape[:2], dtype=bool)
        if kind in (Kind.tags, Kind.causal, Kind.encoder_decoder):
            # scores of padding mean nothing
            from slimtune.training.tasks.loss import aligned

            real = (aligned(batch) != -100).numpy()
        assert np.abs(found - expected)[real].max() < 1e-4


def test_one_text_is_answered_without_pytorch(made: Made) -> None:
    row = BY_NAME[made.name].rows[0]
    text = row["input"] if "input" in row and "generation" in made.name else row["text"]
    printed = predicted("--model", str(made.bundle.folder), "--text", text)
    assert printed.rstrip("\n").endswith(f"\t{text}")


def test_answers_do_not_depend_on_the_rows_beside(made: Made) -> None:
    asked = [LocatedRow(row, "a row") for row in BY_NAME[made.name].rows[:6]]
    predictor = row_predictor_of(made.bundle.model, TextColumns(text_pair="other"))
    together = predictor.answers(asked)
    alone = [predictor.answers([one])[0] for one in asked]
    for first, second in zip(together, alone, strict=True):
        if made.bundle.kind in (Kind.embedding, Kind.numbers):
            assert first["prediction"] == pytest.approx(second["prediction"], abs=0.02)
        elif made.reports[made.bundle.manifest.variant].name == "fp16":
            assert first == second


def test_what_it_says_of_itself_is_enough_to_run_it(made: Made) -> None:
    manifest = open_bundle(made.bundle.folder).manifest
    assert set(made.bundle.kind.files) == manifest.graphs.keys()
    for ports in manifest.graphs.values():
        assert ports["inputs"]["input_ids"][0] == "batch"
    if made.bundle.kind.writes:
        generation, prompt = manifest.interface.generation, manifest.interface.prompt
        assert generation is not None
        assert prompt is not None
        assert generation.max_new_tokens in (8, 64)
        assert (prompt.text_column, prompt.template) == ("text", None)


def test_the_bundle_scores_as_its_checkpoint(made: Made, tmp_path: Path) -> None:
    """All scores of the task, the loss and those of written text among them, without the base model."""
    rows = list(BY_NAME[made.name].rows)
    expected = evaluate_model(str(made.checkpoint), data=rows).scores
    found = evaluate_model(str(exact_bundle(made, tmp_path / "fp32").folder), data=rows).scores
    assert found == pytest.approx(expected, rel=1e-3, abs=1e-3)


def test_the_gate_scores_both_on_the_same_rows(made: Made, tmp_path: Path) -> None:
    """The variant of fewest bits against itself, by the task's own metric: nobody is better."""
    rows = str(write_jsonl(tmp_path / "rows.jsonl", BY_NAME[made.name].rows[:12]))
    against = Opponent(made.bundle, "", partial(given_rows_of, data=rows, columns=EvaluationColumns(), trust=False))
    # they are rows that it was trained on
    decision = decide(made.bundle, against, promotion_config(["promotion.no_leak=false"]))
    assert decision.verdict is GateVerdict.challenger
    assert decision.reason.startswith(made.bundle.manifest.training.metric)
    labels = replace(made.bundle.manifest.interface, kind=Kind.labels)
    other = Bundle(Path(), replace(made.bundle.manifest, interface=labels))
    assert "another kind of question" in decide(other, against, promotion_config()).reason


def test_it_is_served(made: Made) -> None:
    """A data frame with the columns of the signature is answered with its columns."""
    import pandas
    from mlflow.models.utils import _enforce_schema

    from slimtune.export.registry.signature import example_of, signature_of

    signature = signature_of(made.bundle)
    row = BY_NAME[made.name].rows[0]
    given = pandas.DataFrame([{name: row.get(name, row["text"]) for name in signature.inputs.input_names()}] * 3)
    answered = ServedBundle(made.bundle.folder).predict(given)
    # of a vector model, rows with one text alone have vectors, and rows of two their cosine
    required = [one.name for one in signature.outputs if one.required]
    assert set(required) <= set(answered.columns) <= set(signature.outputs.input_names())
    assert len(answered.columns) >= 1
    assert len(answered) == 3
    # as MLflow lets it through to a served model
    example = _enforce_schema(example_of(made.bundle), signature.inputs)
    assert len(ServedBundle(made.bundle.folder).predict(example)) == 1
