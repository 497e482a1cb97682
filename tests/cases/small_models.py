"""Small models and rows that cases are made of."""

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

from slimtune.training.models.from_config import trained_tokenizer
from tests.conftest import write_jsonl

NOUNS = ("anchor", "bottle", "curtain", "dollar", "elbow", "feather", "glacier", "hinge", "island", "jacket")
TURNS = (
    "{% for turn in messages %}[{{ turn['role'] }}] {{ turn['content'] }}{{ eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}[assistant] {% endif %}"
)
LLAMA = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}


def words(number: int, *, seed: int) -> str:
    return " ".join(random.Random(seed).choices(NOUNS, k=number))


def chats(number: int, *, length: int) -> list[dict[str, Any]]:
    """Each with a system's turn, a question and an answer."""
    return [
        {
            "messages": [
                {"role": "system", "content": "Be kind."},
                {"role": "user", "content": words(length, seed=row)},
                {"role": "assistant", "content": words(3, seed=1000 + row)},
            ]
        }
        for row in range(number)
    ]


def pairs(number: int) -> list[dict[str, str]]:
    return [{"text": words(5, seed=row), "target": words(3, seed=1000 + row)} for row in range(number)]


def tokenizer_of(texts: list[str], *, chat_template: Any = None) -> Any:
    tokenizer = trained_tokenizer(texts, 320)
    tokenizer.chat_template = chat_template
    return tokenizer


def save_model(folder: Path, family: str, *, chat_template: Any = None, **settings: Any) -> Path:
    """A model that writes, with weights that were drawn."""
    tokenizer = tokenizer_of([" ".join(NOUNS)] * 4, chat_template=chat_template)
    special = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    values = {"vocab_size": len(tokenizer), **special, "decoder_start_token_id": tokenizer.pad_token_id, **settings}
    config = AutoConfig.for_model(family, **values)
    torch.manual_seed(0)
    kind: Any = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
    kind.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def changed(folder: Path, file: str, values: Mapping[str, Any]) -> None:
    """Some values of a JSON file."""
    path = folder / file
    before = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    path.write_text(json.dumps({**before, **values}), encoding="utf-8")


def change_weights(folder: Path, change: Any) -> None:
    """The weights of a folder, as a function of a dictionary leaves them."""
    path = folder / "model.safetensors"
    tensors = {name: tensor.clone() for name, tensor in load_file(path).items()}
    change(tensors)
    save_file(tensors, path, metadata={"format": "pt"})


def reload_tokenizer(folder: Path) -> Any:
    return AutoTokenizer.from_pretrained(folder)


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A causal model that chats."""
    return save_model(
        tmp_path_factory.mktemp("llama"), "llama", chat_template=TURNS, max_position_embeddings=256, **LLAMA
    )


def rows_in(folder: Path, rows: list[dict[str, Any]]) -> str:
    return f"data.train_file={write_jsonl(folder / 'given.jsonl', rows)}"
