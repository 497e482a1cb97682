"""Workbenches over random prompts with answers, for measuring steps of causal models of any shape."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from benchmarks.models import MINILM, config_of, workbench_over
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.batching import IGNORED, EncodedSplit, Targets
from slimtune.training.data.encoding import Encoded, Ragged
from slimtune.training.hardware.resources import Resources
from slimtune.training.models.loading import load_tokenizer
from slimtune.training.tasks.language_modelling import LanguageModelling
from slimtune.training.workbench.workbench import Workbench


class Shape(NamedTuple):
    """Of a Llama: features, features between two layers, layers, heads, heads of keys and values."""

    hidden: int
    intermediate: int
    layers: int
    heads: int
    pairs: int


# Llama 3.2 1B, a quarter of its width, and what any machine runs in seconds
SHAPES = {"1b": Shape(2048, 8192, 16, 32, 8), "100m": Shape(768, 2048, 12, 12, 4), "tiny": Shape(128, 512, 2, 4, 2)}


def make_llama(shape: Shape, folder: str, *, num_words: int) -> int:
    """Write a model with random weights in bf16 and a tokenizer; how many weights it has."""
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = load_tokenizer(config_of(MINILM).model)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=max(num_words, len(tokenizer)),
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.pairs,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        dtype=torch.bfloat16,
    )
    model = LlamaForCausalLM(config).to(torch.bfloat16)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return sum(parameter.numel() for parameter in model.parameters())


def lengths_of(kind: str, *, length: int, num_rows: int) -> list[int]:
    """Tokens of rows: `even` are all as long, `chats` have a long tail, most of them short."""
    if kind == "even":
        return [length] * num_rows
    drawn = np.random.default_rng(0).lognormal(mean=np.log(length / 4), sigma=0.8, size=num_rows)
    return [int(one) for one in np.clip(drawn, 4, length)]


def workbench_of(config: TrialConfig, lengths: Sequence[int]) -> tuple[Workbench, Resources]:
    """A workbench whose rows are random tokens, of which the second half is the answer."""
    split = _random_split(lengths)
    task = LanguageModelling(config.data.max_length)
    return workbench_over(config, task, {"train": split, "validation": split})


def model_folder(folder: Path, shape: str, *, num_words: int) -> str:
    """Where a model of this shape lies; made once."""
    path = folder / f"{shape}-{num_words}"
    if not path.is_dir():
        make_llama(SHAPES[shape], str(path), num_words=num_words)
    return str(path)


def _random_split(lengths: Sequence[int]) -> EncodedSplit:
    generator = np.random.default_rng(0)
    ids = [generator.integers(1000, 20000, size=length) for length in lengths]
    labels = [np.where(np.arange(len(row)) < len(row) // 2, IGNORED, row) for row in ids]
    columns = {"input_ids": Ragged.of(ids), "labels": Ragged.of(labels)}
    weights_N = np.array([(row[1:] != IGNORED).sum() for row in labels], dtype=np.float64)
    return EncodedSplit(Encoded(columns, 0), Targets(None, weights_N, next_token=True))
