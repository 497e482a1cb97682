"""Whether a model keeps examples apart that share a row is asked of the model."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface, AutoConfig, AutoModelForCausalLM

from slimtune.training.models import packed_rows
from slimtune.training.models.packed_rows import new_of, refuses_packed_rows

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


def attending(boundaries_of: Callable[[torch.Tensor], torch.Tensor | None]) -> Any:
    """Causal attention without a mask, which goes by some of the positions."""

    def attention(module: Any, query: Any, key: Any, value: Any, mask: Any, **options: Any) -> Any:
        example = boundaries_of(options["position_ids"])
        length = query.shape[2]
        allowed = torch.ones(length, length, dtype=torch.bool).tril()
        if example is not None:
            allowed = allowed & (example[:, None, :, None] == example[:, None, None, :])
        answers = scaled_dot_product_attention(query, key, value, allowed, enable_gqa=True)
        return answers.transpose(1, 2).contiguous(), None

    return attention


def examples(positions: torch.Tensor) -> torch.Tensor:
    return (positions == 0).cumsum(-1)


def no_mask(*_: Any, **__: Any) -> None:
    return None


ATTENTION = {
    # as flash attention
    "of_one_row": (lambda positions: examples(positions) if len(positions) == 1 else None, "sees the one before it"),
    "of_the_first_row": (lambda positions: examples(positions[:1]), "sees the one before it"),
    "of_each_row": (examples, None),
}


@pytest.mark.parametrize("name", ATTENTION)
def test_boundaries_count_in_each_of_several_rows(name: str) -> None:
    """Batches have several: attention may go by the boundaries of one row alone, or by one row's for all."""
    boundaries_of, told = ATTENTION[name]
    AttentionInterface.register(name, attending(boundaries_of))
    AttentionMaskInterface.register(name, no_mask)
    reason = refuses_packed_rows(made("llama", {}, attn_implementation=name))
    assert (reason is None) == (told is None)
    if reason is not None:
        assert f"in a llama with model.attention={name} an example {told}" in reason


def test_a_model_is_made_anew_with_attention_that_runs_on_a_cpu() -> None:
    """Some wants half the precision, and would be told as the model's fault."""

    def refusing(*_: Any, **__: Any) -> Any:
        raise RuntimeError("only fp16 and bf16")

    AttentionInterface.register("of_a_gpu", refusing)
    AttentionMaskInterface.register("of_a_gpu", no_mask)
    model = made("llama", {}, attn_implementation="of_a_gpu")
    assert refuses_packed_rows(new_of(model)) is None
    assert "only fp16 and bf16" in str(refuses_packed_rows(model))
