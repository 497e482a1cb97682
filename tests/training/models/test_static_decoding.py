"""Which models write by steps of fixed shapes, and that the others write as always."""

from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM

from slimtune.training.models.generate import Generation, generate
from slimtune.training.models.static_decoding import StaticDecoder, Tensors, static_decoder, written_by

SIZES = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4, "intermediate_size": 32}
PROMPTS = [[5, 6, 7], [8], [9, 10, 11, 12, 13]]
CPU = torch.device("cpu")


def llama() -> Any:
    torch.manual_seed(0)
    return LlamaForCausalLM(LlamaConfig(vocab_size=30522, **SIZES)).eval()


def mistral() -> Any:
    torch.manual_seed(0)
    return MistralForCausalLM(MistralConfig(vocab_size=30522, num_key_value_heads=4, sliding_window=4, **SIZES)).eval()


@pytest.fixture
def tokenizer(tiny_model: Path) -> Any:
    found = AutoTokenizer.from_pretrained(tiny_model)
    found.eos_token = "[SEP]"
    return found


class Steps:
    """Counts them."""

    def __init__(self) -> None:
        self.keys: list[Hashable] = []

    def __call__(
        self, key: Hashable, work: Callable[[Tensors], tuple[torch.Tensor, ...]], inputs: Tensors
    ) -> tuple[torch.Tensor, ...]:
        self.keys.append(key)
        return work(inputs)


@pytest.mark.parametrize(
    ("make", "num_beams", "takes"),
    [(llama, 1, True), (llama, 2, False), (mistral, 1, False)],
    ids=["greedy", "beams move in the cache", "a window counts in Python"],
)
def test_who_writes_by_fixed_steps(make: Callable[[], Any], num_beams: int, takes: bool, tokenizer: Any) -> None:
    """And the texts are the same."""
    model, steps = make(), Steps()
    settings = Generation(max_new_tokens=6, num_beams=num_beams)
    expected = generate(model, PROMPTS, tokenizer, settings=settings, device=CPU)
    with written_by(StaticDecoder(steps, lambda length: -(-length // 8) * 8)):
        assert generate(model, PROMPTS, tokenizer, settings=settings, device=CPU) == expected
    assert bool(steps.keys) is takes
    assert static_decoder() is None


def test_a_batch_of_the_same_size_takes_the_same_steps(tokenizer: Any) -> None:
    """Over the cache of the batch before, emptied: what it held is not seen."""
    model, steps = llama(), Steps()
    settings = Generation(max_new_tokens=6, num_beams=1)
    others = [[20, 21, 22], [23], [24, 25, 26, 27]]
    expected = [generate(model, rows, tokenizer, settings=settings, device=CPU) for rows in (PROMPTS, others)]
    with written_by(StaticDecoder(steps, lambda length: -(-length // 16) * 16)):
        found = [generate(model, rows, tokenizer, settings=settings, device=CPU) for rows in (PROMPTS, others)]
    assert found == expected
    assert len(set(steps.keys)) == 1
    assert "forward" not in vars(model)
