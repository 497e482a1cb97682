"""Whether a model keeps examples apart that share a row is asked of the model."""

from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from slimtune.training.models import packed_rows
from slimtune.training.models.packed_rows import refuses_packed_rows

SMALL = {
    "vocab_size": 48,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}
KEEPING: dict[str, dict[str, Any]] = {
    "llama": {},
    "qwen2": {},
    "qwen3": {"head_dim": 8},
    "mistral": {"sliding_window": 4},
    "gemma3_text": {"head_dim": 8, "sliding_window": 4},
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 4},
    "gpt_neox": {},
    "phi3": {"pad_token_id": 0},
    "olmo2": {},
}
CROSSING: dict[str, dict[str, Any]] = {
    # by distance; recurrent; a short convolution
    "bloom": {"n_layer": 2, "n_head": 4},
    "mamba": {"state_size": 4},
    "lfm2": {"full_attn_idxs": [1], "layer_types": ["conv", "full_attention"]},
}


def made(family: str, settings: dict[str, Any], **more: Any) -> Any:
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(AutoConfig.for_model(family, **SMALL, **settings), **more)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("family", KEEPING)
def test_attention_by_position_keeps_examples_apart(family: str, attention: str) -> None:
    """Positions of a rotation or a table, whole attention and a sliding window, by either implementation."""
    model = made(family, KEEPING[family], attn_implementation=attention).train()
    assert refuses_packed_rows(model) is None
    assert model.training


@pytest.mark.parametrize("family", CROSSING)
def test_what_carries_over_is_found(family: str) -> None:
    """Without a list of families: the model is asked."""
    reason = refuses_packed_rows(made(family, CROSSING[family]))
    assert reason is not None
    assert family in reason


def test_in_bf16_rounding_is_not_taken_for_crossing() -> None:
    """Frozen bases are stored so on a GPU."""
    assert refuses_packed_rows(made("llama", {}).bfloat16()) is None


def test_a_model_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """All its trials share the answer."""
    model = made("llama", {})
    assert refuses_packed_rows(model) is None
    monkeypatch.setattr(packed_rows, "_found", lambda _: "asked again")
    assert refuses_packed_rows(model) is None
