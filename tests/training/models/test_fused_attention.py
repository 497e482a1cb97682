"""What attention a model is trained with."""

from typing import Any

import pytest
import torch
from torch.profiler import ProfilerActivity, profile
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSequenceClassification

from slimtune.training.config.fit import Precision
from slimtune.training.config.model import Attention
from slimtune.training.hardware.attention import attention_of

SMALL = {
    "vocab_size": 48,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 1,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "use_cache": False,
}
LONG = attention_of(Attention.auto, torch.device("cpu"), max_length=512)


def made(family: str, kind: Any, **more: Any) -> Any:
    settings = AutoConfig.for_model(family, **{**SMALL, **more})
    return kind.from_config(settings, attn_implementation=LONG.asked).train()


@pytest.mark.parametrize("masked", [0, 4])
@pytest.mark.parametrize(
    ("family", "kind", "more"),
    [
        ("llama", AutoModelForCausalLM, {}),
        ("gpt2", AutoModelForCausalLM, {"n_embd": 32, "n_layer": 1, "n_head": 4, "attn_pdrop": 0.0}),
        ("bert", AutoModelForSequenceClassification, {"attention_probs_dropout_prob": 0.0}),
    ],
)
# torch's profiler warns of its own cycles
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_training_takes_the_fused_kernel(family: str, kind: Any, more: dict[str, Any], masked: int) -> None:
    """Whether a row is padded or not."""
    model = made(family, kind, **more)
    mask_BT = torch.ones(2, 16, dtype=torch.long)
    mask_BT[1, 16 - masked :] = 0
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        model(input_ids=torch.full((2, 16), 3), attention_mask=mask_BT).logits.sum().backward()
    names = {event.key for event in seen.key_averages()}
    assert any("flash_attention" in name and "backward" in name for name in names)
    assert not any("attention_math" in name for name in names)


@pytest.mark.parametrize(
    ("family", "kind", "wanted"),
    [
        ("llama", AutoModelForCausalLM, "sdpa"),
        ("gemma2", AutoModelForCausalLM, "eager"),
        ("deberta-v2", AutoModelForSequenceClassification, "eager"),
    ],
)
def test_families_without_sdpa_are_eager_by_themselves(family: str, kind: Any, wanted: str) -> None:
    """`auto` is never refused; a name is taken at its word."""
    assert made(family, kind).config._attn_implementation == wanted


def test_short_rows_on_a_cpu_are_eager() -> None:
    """And whoever names one gets it."""
    cpu = torch.device("cpu")
    assert attention_of(Attention.auto, cpu, max_length=128) is Attention.eager
    assert attention_of(Attention.auto, cpu, max_length=256).asked is None
    assert attention_of(Attention.auto, cpu, max_length=256, precision=Precision.bf16) is Attention.eager
    assert attention_of(Attention.auto, cpu, max_length=257, precision=Precision.bf16).asked is None
    assert attention_of(Attention.auto, torch.device("cuda"), max_length=128).asked is None
    assert attention_of(Attention.sdpa, cpu, max_length=128).asked == "sdpa"
