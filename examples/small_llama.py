"""A Llama of two layers with a chat template and a tokenizer of given texts, for use without a hub.

`small_llama.py FOLDER ROWS...`: the tokenizer is trained on the texts of these files of rows, JSON Lines or arrays.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

BEGIN, END, PAD = "<|begin_of_text|>", "<|eot_id|>", "<|pad|>"
# Llama 3's
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<|start_header_id|>{{ message['role'] }}<|end_header_id|>\n\n"
    "{{ message['content'] | trim }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
SPECIAL = [BEGIN, END, PAD, "<|start_header_id|>", "<|end_header_id|>"]
SIZES: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "tie_word_embeddings": True,
    # LoRA leaves the output matrix as it was drawn: by small weights no token could stand out
    "initializer_range": 0.2,
}


def make(folder: Path, files: list[Path]) -> None:
    """Write model and tokenizer."""
    bytes_and_merges = Tokenizer(models.BPE())
    bytes_and_merges.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_and_merges.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=1024, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    bytes_and_merges.train_from_iterator(_texts(files), trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bytes_and_merges, bos_token=BEGIN, eos_token=END, pad_token=PAD, chat_template=CHAT_TEMPLATE
    )
    torch.manual_seed(0)
    ids = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 2}
    LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), **SIZES, **ids)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _texts(files: list[Path]) -> Iterator[str]:
    for file in files:
        text = file.read_text(encoding="utf-8")
        rows = json.loads(text) if text.startswith("[") else map(json.loads, text.splitlines())
        for row in rows:
            yield from (value for value in row.values() if isinstance(value, str))


if __name__ == "__main__":
    make(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
