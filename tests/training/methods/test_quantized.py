"""Bases in 4 and 8 bits: what is trained on them is what is loaded, evaluated and merged."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from slimtune.training.checkpoints.checkpoint import open_checkpoint
from slimtune.training.config.trial import TrialConfig, parse_trial
from slimtune.training.hardware.resources import resolve
from slimtune.training.methods import Setting, method_of
from slimtune.training.methods.quantized import is_quantized, shared_tensors
from slimtune.training.models.loading import trial_copy, unquantized
from slimtune.training.trial import Completed
from slimtune.training.workbench.workbench import Workbench, workbench_for
from slimtune.training.worker.run import run_trial
from tests.conftest import FakeTrial, method_config
from tests.training.methods.families import Shape, make_model

KINDS = ("nf4", "fp4", "int8")


@pytest.fixture
def bench_for(config_of: Callable[..., dict[str, Any]]) -> Callable[[str], tuple[TrialConfig, Workbench]]:
    def make(kind: str) -> tuple[TrialConfig, Workbench]:
        config = parse_trial(config_of("method=qlora", f"model.quantization={kind}", "fit.precision=fp32")).section
        return config, workbench_for(config, resolve(config.fit))

    return make


def logits_of(model: Any) -> torch.Tensor:
    ids_BT = torch.arange(100, 124).view(2, 12)
    with torch.no_grad():
        logits: torch.Tensor = model.eval()(input_ids=ids_BT, attention_mask=torch.ones_like(ids_BT)).logits
    return logits


@pytest.mark.parametrize("kind", KINDS)
def test_the_head_and_the_pooler_keep_their_precision(kind: str, bench_for: Any) -> None:
    model = bench_for(kind)[1].base.model
    assert all(is_quantized(part) for part in model.bert.encoder.modules() if isinstance(part, nn.Linear))
    assert not is_quantized(model.classifier)
    assert not is_quantized(model.bert.pooler.dense)


def test_what_is_not_quantized_is_known_without_weights() -> None:
    for family, task, names in (
        ("llama", "CAUSAL_LM", ["lm_head"]),
        ("roberta", "SEQ_CLS", ["classifier.dense", "classifier.out_proj"]),
        ("t5", "SEQ_2_SEQ_LM", ["lm_head"]),
        ("distilbert", "SEQ_CLS", ["pre_classifier", "classifier"]),
    ):
        assert unquantized(make_model(Shape(family, task))) == names


@pytest.mark.parametrize("kind", KINDS)
def test_trials_share_the_codes_of_the_base(kind: str, bench_for: Any) -> None:
    """A copy for a trial takes no memory for what is frozen, before and after a pass."""
    base = bench_for(kind)[1].base
    for _ in range(2):
        model = trial_copy(base, share_weights=True)
        own = {tensor.data_ptr() for tensor in shared_tensors(base.model) if tensor.numel()}
        assert {tensor.data_ptr() for tensor in shared_tensors(model) if tensor.numel()} <= own
        logits_of(base.model)


@pytest.mark.parametrize(("kind", "gap"), [("nf4", 1e-4), ("fp4", 1e-4), ("int8", 0.1)])
def test_a_merged_model_computes_what_was_trained(
    kind: str, gap: float, bench_for: Any, config_of: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    """Merged into the values that the bits stand for; into the weights as they were before, it would not."""
    config, bench = bench_for(kind)
    method = method_of(config.method)
    torch.manual_seed(0)
    trial = trial_copy(bench.base, share_weights=True)
    more = ("method=qlora", f"model.quantization={kind}", "fit.precision=fp32")
    outcome = run_trial(FakeTrial(config_of(*more), tmp_path / "trial"))
    assert isinstance(outcome, Completed)
    on_quantized = method.load(trial, outcome.checkpoint)
    wanted = logits_of(on_quantized)
    loaded = open_checkpoint(outcome.checkpoint).model()
    assert not any(is_quantized(part) for part in loaded.modules())
    merged = method.merge(loaded)
    assert (logits_of(merged) - wanted).abs().max() < gap
    assert not any("lora" in name for name, _ in merged.named_parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_those_of_the_plain_weights(kind: str, bench_for: Any) -> None:
    """Before an evaluation and after it. 8 bits round the activations too, so that theirs point the same way only."""
    bench = bench_for(kind)[1]
    setting = Setting("SEQ_CLS", bench.base.new_keys)

    def gradient(model: Any) -> torch.Tensor:
        model.train().zero_grad()
        ids_BT = torch.arange(100, 124).view(2, 12)
        model(input_ids=ids_BT, attention_mask=torch.ones_like(ids_BT)).logits[:, 0].sum().backward()
        return torch.cat([one.grad.flatten() for one in model.parameters() if one.requires_grad])

    torch.manual_seed(0)
    config = method_config("lora", init_lora_weights="gaussian", modules_to_save=[])
    model = method_of(config).prepare(trial_copy(bench.base, share_weights=True), setting)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(parameter, std=0.05)
    first = gradient(model)
    logits_of(model)
    assert torch.equal(gradient(model), first)
    plain = model.float()
    for name, part in list(plain.named_modules()):
        if is_quantized(part) and name.endswith("base_layer"):
            owner, _, leaf = name.rpartition(".")
            setattr(plain.get_submodule(owner), leaf, as_linear(part))
    cosine = torch.cosine_similarity(gradient(plain), first, dim=0)
    assert cosine > (0.99 if kind == "int8" else 1 - 1e-6)


def as_linear(layer: Any) -> nn.Linear:
    """The same layer with plain weights."""
    from bitsandbytes.functional import dequantize_4bit

    state = getattr(layer.weight, "quant_state", None)
    if state is not None:
        weight = dequantize_4bit(layer.weight.data, state)
    else:
        codes, scales = layer.weight.data, layer.state.SCB if layer.state.SCB is not None else layer.weight.SCB
        weight = codes.float() * scales.view(-1, 1) / 127
    made = nn.Linear(layer.in_features, layer.out_features, bias=layer.bias is not None)
    made.weight.data = weight.float()
    if layer.bias is not None:
        made.bias.data = layer.bias.data.float()
    return made.requires_grad_(requires_grad=False)
