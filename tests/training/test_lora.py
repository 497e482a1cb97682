"""What a LoRA checkpoint must carry besides the adapters."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer, DistilBertConfig, DistilBertModel, LlamaConfig, LlamaModel, PreTrainedModel

from tests.conftest import FakeTrial, validation_scores
from training.config import parse_trial
from training.engine import run_trial
from training.resources import resolve
from training.slot import _trainable
from training.trial import Completed
from training.workbench import workbench_for

MakeTrial = Callable[..., FakeTrial]


def make_base(name: str, vocabulary: int) -> PreTrainedModel:
    torch.manual_seed(0)
    if name == "distilbert":
        return DistilBertModel(DistilBertConfig(vocab_size=vocabulary, dim=32, hidden_dim=64, n_layers=2, n_heads=2))
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    return LlamaModel(LlamaConfig(vocab_size=vocabulary, **sizes))


@pytest.mark.parametrize("name", ["distilbert", "llama"])
def test_a_checkpoint_loaded_again_is_what_was_trained(
    name: str, tiny_model: Path, tmp_path: Path, fake_trial: MakeTrial
) -> None:
    """Every layer that the base lacked is saved (DistilBERT's pre_classifier), and decoders find their padding."""
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    make_base(name, len(tokenizer)).save_pretrained(tmp_path / "base")
    tokenizer.save_pretrained(tmp_path / "base")
    trial = fake_trial(f"model.name_or_path={tmp_path / 'base'}", "fit.epochs=1", "fit.precision=fp32")
    outcome = run_trial(trial)
    assert isinstance(outcome, Completed), outcome
    scores = validation_scores(trial.config, outcome.checkpoint)
    assert scores["loss"] == pytest.approx(outcome.scores["validation/loss"], rel=1e-4)


def test_what_the_optimizer_moves_is_fp32_over_a_bf16_base(config_of: Callable[..., dict[str, Any]]) -> None:
    """Frozen weights are stored in bf16; adapters, head and modules saved whole are not."""
    config = parse_trial(config_of("fit.precision=bf16", "method.modules_to_save=[pooler]")).section
    model = _trainable(config, workbench_for(config, resolve(config.fit)))
    trained = {parameter.dtype for parameter in model.parameters() if parameter.requires_grad}
    frozen = {parameter.dtype for parameter in model.parameters() if not parameter.requires_grad}
    assert trained == {torch.float32}
    assert frozen == {torch.bfloat16}


def test_a_bf16_trial_trains(fake_trial: MakeTrial) -> None:
    assert isinstance(run_trial(fake_trial("fit.precision=bf16", "fit.epochs=1")), Completed)
