"""Texts that a tokenizer does not know are told, and refused where it knows none of them."""

from typing import Any

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import PreTrainedTokenizerFast

from slimtune.training.data.batching import EncodedSplit, Targets
from slimtune.training.data.encoding import Encoded, Ragged
from slimtune.training.errors import ModelError
from slimtune.training.workbench.unknown_tokens import check_known, text_tokens, unknown_notes


def tokenizer_of(**special: str) -> Any:
    backend = Tokenizer(WordLevel({"[PAD]": 0, "[UNK]": 1, "one": 2, "two": 3}, unk_token="[UNK]"))
    backend.pre_tokenizer = Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="[PAD]", **special)


def encoded(tokenizer: Any, *texts: str) -> dict[str, EncodedSplit]:
    ids = Ragged.of([[*tokenizer(text)["input_ids"], 0] for text in texts])
    return {"train": EncodedSplit(Encoded({"input_ids": ids}, 0), Targets(None, None))}


def test_known_and_unknown_tokens_are_counted() -> None:
    tokenizer = tokenizer_of(unk_token="[UNK]")
    rows = encoded(tokenizer, "one two", "three one")
    assert text_tokens(rows, tokenizer) == (4, 1)
    check_known(rows, tokenizer, said="m")
    (note,) = unknown_notes(rows, tokenizer)
    assert note.startswith("tokens that stand for what the tokenizer does not know ([UNK]): 1 of 4 (25%)")
    assert unknown_notes(encoded(tokenizer, "one " * 20 + "three"), tokenizer) == [], "a few are usual"


@pytest.mark.parametrize(("texts", "given"), [(["three", "four"], r"\[UNK\] alone"), (["", ""], "no tokens")])
def test_texts_of_which_nothing_is_known_are_refused(texts: list[str], given: str) -> None:
    tokenizer = tokenizer_of(unk_token="[UNK]")
    with pytest.raises(ModelError, match=f"^m: for the texts of all rows its tokenizer gives {given}.*; use a model"):
        check_known(encoded(tokenizer, *texts), tokenizer, said="m")


def test_a_token_that_means_something_else_too_is_not_counted() -> None:
    """GPT-2 calls the end of a text unknown."""
    tokenizer = tokenizer_of(unk_token="[UNK]", eos_token="[UNK]")
    assert text_tokens(encoded(tokenizer, "one three"), tokenizer) == (1, 0)
