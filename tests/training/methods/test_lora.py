"""What a LoRA checkpoint must carry besides the adapters."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoTokenizer,
    DistilBertConfig,
    DistilBertModel,
    LlamaConfig,
    LlamaModel,
    PreTrainedModel,
    RobertaConfig,
    RobertaModel,
)

from slimtune.training.config.trial import parse_trial
from slimtune.training.data.batching import collate
from slimtune.training.hardware.resources import resolve
from slimtune.training.methods import method_of
from slimtune.training.trial import Completed
from slimtune.training.workbench.workbench import trainable, workbench_for
from slimtune.training.worker.run import run_trial
from tests.conftest import FakeTrial, validation_scores

MakeTrial = Callable[..., FakeTrial]


def make_base(name: str, vocabulary: int) -> PreTrainedModel:
    torch.manual_seed(0)
    if name == "distilbert":
        return DistilBertModel(DistilBertConfig(vocab_size=vocabulary, dim=32, hidden_dim=64, n_layers=2, n_heads=2))
    if name == "roberta":
        narrow = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
        return RobertaModel(RobertaConfig(vocab_size=vocabulary, pad_token_id=0, **narrow))
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    return LlamaModel(LlamaConfig(vocab_size=vocabulary, **sizes))


def save_base(name: str, folder: Path, tiny_model: Path) -> Path:
    """A tiny checkpoint of a family, with the tokenizer of the tiny model."""
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    make_base(name, len(tokenizer)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("name", ["distilbert", "roberta", "llama"])
def test_a_checkpoint_loaded_again_is_what_was_trained(
    name: str, tiny_model: Path, tmp_path: Path, fake_trial: MakeTrial
) -> None:
    """Every layer that the base lacked is saved (DistilBERT's pre_classifier), and decoders find their padding."""
    base = save_base(name, tmp_path / "base", tiny_model)
    trial = fake_trial(f"model.name_or_path={base}", "fit.epochs=1", "fit.precision=fp32")
    outcome = run_trial(trial)
    assert isinstance(outcome, Completed), outcome
    scores = validation_scores(trial.config, outcome.checkpoint)
    assert scores["loss"] == pytest.approx(outcome.scores["validation/loss"], rel=1e-4)


@pytest.mark.parametrize("name", ["distilbert", "roberta", "llama"])
def test_every_layer_that_the_base_lacked_is_trained(
    name: str, tiny_model: Path, tmp_path: Path, config_of: Callable[..., dict[str, Any]]
) -> None:
    """Also RoBERTa's head of two layers: a wrapper inside a wrapper would leave the layer that is used frozen."""
    base = save_base(name, tmp_path / "base", tiny_model)
    config = parse_trial(config_of(f"model.name_or_path={base}", "fit.precision=fp32")).section
    bench = workbench_for(config, resolve(config.fit))
    model = trainable(method_of(config.method), bench)
    rows = collate(bench.splits["train"], [0, 1], pad_id=0, device=bench.base.model.device)
    bench.task.logits(model, rows).square().sum().backward()
    trained = {key: parameter for key, parameter in model.named_parameters() if parameter.requires_grad}
    assert [key for key, parameter in trained.items() if parameter.grad is None] == []
    whole = sum(parameter.numel() for key, parameter in trained.items() if "lora_" not in key)
    assert whole == sum(bench.base.model.get_parameter(key).numel() for key in bench.base.new_keys)


def test_what_the_optimizer_moves_is_fp32_over_a_bf16_base(config_of: Callable[..., dict[str, Any]]) -> None:
    """Frozen weights are stored in bf16; adapters, head and modules saved whole are not."""
    config = parse_trial(config_of("fit.precision=bf16", "method.modules_to_save=[pooler]")).section
    model = trainable(method_of(config.method), workbench_for(config, resolve(config.fit)))
    trained = {parameter.dtype for parameter in model.parameters() if parameter.requires_grad}
    frozen = {parameter.dtype for parameter in model.parameters() if not parameter.requires_grad}
    assert trained == {torch.float32}
    assert frozen == {torch.bfloat16}


def test_a_bf16_trial_trains(fake_trial: MakeTrial) -> None:
    assert isinstance(run_trial(fake_trial("fit.precision=bf16", "fit.epochs=1")), Completed)
