"""Folders of transformers, merged and in few bits: what is stored is what was measured."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

from slimtune.export.checkpoint_formats.transformers_folders import DTYPES
from slimtune.export.pipeline import export_checkpoint
from slimtune.export.precisions import MergedPrecision
from slimtune.sweeper.checks import problems_of
from slimtune.training.checkpoints.checkpoint import open_checkpoint
from slimtune.training.config.model import Quantization
from slimtune.training.methods.quantized import keep_trainable
from tests.conftest import make_rows
from tests.export.conftest import export_config


@pytest.mark.usefixtures("untimed")
def test_a_folder_is_loaded_by_transformers_and_answers_as_measured(checkpoint: Path, tmp_path: Path) -> None:
    asked = export_config(variants=[], bitsandbytes=[Quantization.nf4, Quantization.int8], min_agreement=0.5)
    exported = export_checkpoint(checkpoint, config=asked, folder=tmp_path)
    assert [report.name for report in exported.plain.bitsandbytes] == ["nf4", "int8"]
    exact = open_checkpoint(checkpoint).model()
    texts = [row["text"] for row in make_rows(40, seed=5)]
    for report in exported.plain.bitsandbytes:
        assert report.passed, report
        assert 1e-4 < report.checked.max_logit_gap < 2
        folder = tmp_path / "bitsandbytes" / report.name
        assert report.size_mb == pytest.approx(sum(path.stat().st_size for path in folder.iterdir()) / 1e6)
        model, tokenizer = (
            AutoModelForSequenceClassification.from_pretrained(folder),
            AutoTokenizer.from_pretrained(folder),
        )
        assert model.config.quantization_config is not None
        # on a CPU with AVX512-BF16 bitsandbytes 0.50 would repack it, and fails where a matrix is narrower than a block
        keep_trainable(model)
        inputs = tokenizer(texts, return_tensors="pt", padding=True)
        given = {name: inputs[name] for name in ("input_ids", "attention_mask")}
        with torch.inference_mode():
            same = model(**given).logits.argmax(-1) == exact(**given).logits.argmax(-1)
        assert same.float().mean() > 0.8


@pytest.mark.usefixtures("untimed")
def test_one_that_costs_too_much_is_removed(checkpoint: Path, tmp_path: Path) -> None:
    asked = export_config(variants=[], bitsandbytes=[Quantization.nf4], max_size_mb=0.001)
    exported = export_checkpoint(checkpoint, config=asked, folder=tmp_path)
    assert not exported.plain.bitsandbytes[0].passed
    assert not (tmp_path / "bitsandbytes" / "nf4").exists()


@pytest.mark.usefixtures("untimed")
def test_merged_models_are_plain_folders_of_transformers(checkpoint: Path, tmp_path: Path) -> None:
    """In the precision that was asked for, with the labels' names, and no adapter left in them."""
    asked = export_config(variants=[], merged=list(MergedPrecision), max_size_mb=0.001)
    exported = export_checkpoint(checkpoint, config=asked, folder=tmp_path)
    assert [report.name for report in exported.plain.merged] == ["fp32", "bf16", "fp16"]
    trained = open_checkpoint(checkpoint)
    exact = trained.model()
    texts = [row["text"] for row in make_rows(40, seed=5)]
    # a limit of size is for what is made small
    for report, gap in zip(exported.plain.merged, (1e-4, 0.2, 0.05), strict=True):
        assert report.passed, report
        assert report.checked.max_logit_gap < gap
        folder = tmp_path / "merged" / report.name
        assert not list(folder.glob("adapter*"))
        model, tokenizer = (
            AutoModelForSequenceClassification.from_pretrained(folder, dtype="auto"),
            AutoTokenizer.from_pretrained(folder),
        )
        assert {parameter.dtype for parameter in model.parameters()} == {DTYPES[MergedPrecision(report.name)]}
        inputs = tokenizer(texts, return_tensors="pt", padding=True)
        given = {name: inputs[name] for name in ("input_ids", "attention_mask")}
        with torch.inference_mode():
            apart = (model(**given).logits.float() - exact(**given).logits).abs().max()
        assert apart < gap
        answers = pipeline("text-classification", model=model, tokenizer=tokenizer)(texts[:3])
        assert {answer["label"] for answer in answers} <= set(trained.record.labels)


def test_layers_that_stay_layers_are_told_before_the_first_trial(config_of: Callable[..., dict[str, Any]]) -> None:
    """Of bottleneck adapters no folder of a plain architecture can be written, in whatever precision."""
    values = config_of("method=adapters", "export=onnx", "export.merged=[bf16]", "export.bitsandbytes=[nf4]")
    told = [problem for problem in problems_of(values) if "are not merged into" in problem]
    assert [problem.split(" ")[0] for problem in told] == ["export.merged", "export.bitsandbytes"]
