"""Checkpoints in few bits: what is stored is what was measured."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from slimtune.export.pipeline import export_checkpoint
from slimtune.training.checkpoints.checkpoint import open_checkpoint
from slimtune.training.config.model import Quantization
from slimtune.training.methods.quantized import keep_trainable
from tests.conftest import make_rows
from tests.export.conftest import export_config


@pytest.mark.usefixtures("untimed")
def test_a_folder_is_loaded_by_transformers_and_answers_as_measured(checkpoint: Path, tmp_path: Path) -> None:
    asked = export_config(variants=[], bitsandbytes=[Quantization.nf4, Quantization.int8], min_agreement=0.5)
    exported = export_checkpoint(checkpoint, config=asked, folder=tmp_path)
    assert [report.name for report in exported.bitsandbytes] == ["nf4", "int8"]
    exact = open_checkpoint(checkpoint).model()
    texts = [row["text"] for row in make_rows(40, seed=5)]
    for report in exported.bitsandbytes:
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
    assert not exported.bitsandbytes[0].passed
    assert not (tmp_path / "bitsandbytes" / "nf4").exists()
