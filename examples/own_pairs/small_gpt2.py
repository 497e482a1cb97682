"""A GPT-2 of two layers with a tokenizer of the example's own texts, for use without a hub: `small_gpt2.py FOLDER`."""

import json
import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

END = "<|endoftext|>"


def make(folder: Path) -> None:
    """Write model and tokenizer."""
    rows = json.loads((Path(__file__).parent / "pairs.json").read_text())
    bytes_and_merges = Tokenizer(models.BPE())
    bytes_and_merges.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_and_merges.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=600, special_tokens=[END], initial_alphabet=alphabet, show_progress=False)
    bytes_and_merges.train_from_iterator([f"{row['input']} {row['output']}" for row in rows], trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bytes_and_merges, eos_token=END, bos_token=END)
    torch.manual_seed(0)
    sizes = {"n_positions": 256, "n_embd": 32, "n_layer": 2, "n_head": 2, "bos_token_id": 0, "eos_token_id": 0}
    GPT2LMHeadModel(GPT2Config(vocab_size=len(tokenizer), **sizes)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
