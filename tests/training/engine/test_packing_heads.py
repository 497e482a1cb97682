"""Trials share passes over other heads too, and over a base in 4 bits: gradients are those of each alone."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import nn
from torch.nn.functional import cross_entropy
from transformers import BertConfig, BertForTokenClassification, LlamaConfig, LlamaForCausalLM

from slimtune.training.engine.packed_lora import PackedLoraModel
from slimtune.training.engine.slots.joined_batch import rows_by_trial
from slimtune.training.engine.slots.segments import segment_table
from slimtune.training.engine.slots.slot_bank import Member, SlotBank
from slimtune.training.engine.slots.trained_parts import parts_of
from slimtune.training.methods import Setting, lora, method_of
from slimtune.training.methods.quantized import is_4bit
from slimtune.training.models.loading import Base, trial_copy
from tests.conftest import method_config

NUM_CLASSES, VOCABULARY = 5, 96
HEAD = {"classifier.weight", "classifier.bias"}


def make_token_classifier() -> Base:
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        num_labels=NUM_CLASSES,
    )
    return Base(BertForTokenClassification(config), frozenset(HEAD))


def llama_config() -> LlamaConfig:
    return LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4
    )


def make_causal() -> Base:
    torch.manual_seed(0)
    return Base(LlamaForCausalLM(llama_config()), frozenset())


@pytest.fixture
def make_causal_4bit(tmp_path: Path) -> Callable[[], Base]:
    def make() -> Base:
        torch.manual_seed(0)
        LlamaForCausalLM(llama_config()).save_pretrained(tmp_path)
        settings = transformers.BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.float32,
        )
        model = LlamaForCausalLM.from_pretrained(tmp_path, quantization_config=settings, device_map="cpu")
        assert any(is_4bit(layer) for layer in model.modules())
        return Base(model, frozenset())

    return make


def make_trials(base: Base, task_type: str) -> list[Any]:
    """Three, of different rank and targets, with updates that are not zero.

    Over 4 bits all layers have one: bitsandbytes' own layer, which serves those without, computes in float32.
    """
    names = {name.rpartition(".")[-1] for name, _ in base.model.named_modules()}
    some = ["all-linear"] if any(is_4bit(layer) for layer in base.model.modules()) else ["query", "q_proj"]
    trials = []
    for rank, targets in ((2, ["all-linear"]), (4, ["all-linear"]), (3, some)):
        torch.manual_seed(rank)
        config = method_config(
            "lora",
            r=rank,
            target_modules=[target for target in targets if target in names or target == "all-linear"],
            modules_to_save=[],
        )
        model = method_of(config).prepare(trial_copy(base, share_weights=True), Setting(task_type, base.new_keys))
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                nn.init.normal_(parameter, std=0.1)
        trials.append(model.train())
    return trials


def as_double(model: Any) -> None:
    for tensor in (*model.parameters(), *model.buffers()):
        if tensor.is_floating_point():
            tensor.data = tensor.data.double()


def loss_of(logits_BTC: torch.Tensor, ids_BT: torch.Tensor, task_type: str) -> torch.Tensor:
    if task_type == "CAUSAL_LM":
        return cross_entropy(logits_BTC[:, :-1].flatten(0, 1), ids_BT[:, 1:].flatten())
    return cross_entropy(logits_BTC.flatten(0, 1), (ids_BT % NUM_CLASSES).flatten())


def gradients(model: Any) -> list[torch.Tensor]:
    found = [parameter.grad for parameter in model.parameters() if parameter.requires_grad]
    assert all(gradient is not None and gradient.abs().max() > 0 for gradient in found)
    return [gradient.clone() for gradient in found if gradient is not None]


@pytest.mark.parametrize("kind", ["token classification", "causal LM", "causal LM in 4 bits"])
@pytest.mark.parametrize("even", [True, False])
def test_packed_gradients_are_those_of_each_alone(
    make_causal_4bit: Callable[[], Base], kind: str, *, even: bool
) -> None:
    """To 1e-10 in float64, for spans of one size (one product for all) and of different ones."""
    base = {"token classification": make_token_classifier, "causal LM": make_causal}.get(kind, make_causal_4bit)()
    task_type = "TOKEN_CLS" if kind == "token classification" else "CAUSAL_LM"
    trials = make_trials(base, task_type)
    packed = PackedLoraModel(base)
    for model in (*trials, packed.model):
        as_double(model)
    generator = torch.Generator().manual_seed(0)
    inputs = [torch.randint(VOCABULARY, (rows, 7), generator=generator) for rows in ((3, 3, 3) if even else (2, 1, 4))]
    alone = []
    for model, ids_BT in zip(trials, inputs, strict=True):
        loss_of(model(input_ids=ids_BT, attention_mask=torch.ones_like(ids_BT)).logits, ids_BT, task_type).backward()
        alone.append(gradients(model))
        model.zero_grad()
        # between two steps a trial is evaluated
        model.eval()(input_ids=ids_BT)
        model.train()
    parts = [parts_of(model) for model in trials]
    packed.bind(SlotBank([Member(one) for one in parts if one is not None]))
    table = segment_table((0, 1, 2), [len(ids_BT) for ids_BT in inputs])
    packed.begin(table, packed.room(table))
    joined = torch.cat(
        [
            torch.cat([ids_BT, ids_BT[-1:].expand(padded - len(ids_BT), -1)])
            for ids_BT, padded in zip(inputs, table.padded_sizes, strict=True)
        ]
    )
    logits = packed.model(input_ids=joined, attention_mask=torch.ones_like(joined)).logits
    own = rows_by_trial(logits, table)
    torch.stack([loss_of(*pair, task_type) for pair in zip(own, inputs, strict=True)]).sum().backward()
    packed.end()
    for model, theirs in zip(trials, alone, strict=True):
        torch.testing.assert_close(gradients(model), theirs, rtol=1e-10, atol=1e-10)


def test_gradients_over_4_bits_are_those_of_peft_before_any_evaluation(
    make_causal_4bit: Callable[[], Base], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And stay so after one: bitsandbytes' own layers give wrong ones from then on, where it repacks for a CPU."""
    base = make_causal_4bit()
    results = []
    for fused in (False, True):
        with monkeypatch.context() as patch:
            if not fused:
                patch.setattr(lora, "fused_modules", lambda _: {})
            model = make_trials(Base(copy.deepcopy(base.model), frozenset()), "CAUSAL_LM")[0]
        ids_BT = torch.arange(14).view(2, 7)
        for _ in range(2 if fused else 1):
            model.zero_grad()
            loss_of(model(input_ids=ids_BT).logits, ids_BT, "CAUSAL_LM").backward()
            results.append(gradients(model))
            with torch.no_grad():
                model.eval()(input_ids=ids_BT)
            model.train()
    for ours in results[1:]:
        torch.testing.assert_close(ours, results[0], rtol=1e-4, atol=1e-6)
