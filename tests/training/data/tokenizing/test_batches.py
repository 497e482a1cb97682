"""Rows are those of the tokenizer's own call, whatever its kind; only the way to them is shorter."""

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, pre_tokenizers, processors
from tokenizers.models import BPE, Unigram
from tokenizers.trainers import BpeTrainer, UnigramTrainer
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from slimtune.training.data.tokenizing import batches
from slimtune.training.data.tokenizing.batches import UNCUT, tokenized

LONG = "nothing is as it was before the flood " * 9
SENTENCES = [
    "the river ran over its banks",
    "a <s> in the text",
    "",
    "one",
    LONG,
]


def byte_pairs() -> Any:
    """As Llama's: a first token, none at the end."""
    backend = Tokenizer(BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(vocab_size=300, special_tokens=["<s>", "</s>"], show_progress=False)
    backend.train_from_iterator(SENTENCES, trainer)
    backend.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    return PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<s>", eos_token="</s>", pad_token="</s>")


def unigrams() -> Any:
    """As T5's: a last token, and blanks that are part of words."""
    backend = Tokenizer(Unigram())
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = UnigramTrainer(
        vocab_size=60, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False
    )
    backend.train_from_iterator(SENTENCES, trainer)
    backend.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="</s>", pad_token="<pad>", unk_token="<unk>")


@functools.cache
def word_pieces(model: Path) -> Any:
    return AutoTokenizer.from_pretrained(model)


class Shouting(PreTrainedTokenizerFast):  # type: ignore[misc]
    """Does something with texts before they are tokenized."""

    def __call__(self, *texts: Any, **options: Any) -> Any:
        return super().__call__(*([one.upper() for one in side] for side in texts), **options)


def shouting() -> Any:
    return Shouting(tokenizer_object=byte_pairs().backend_tokenizer, pad_token="</s>")


def left(tokenizer: Any) -> Any:
    tokenizer.truncation_side = "left"
    return tokenizer


def literal(tokenizer: Any) -> Any:
    tokenizer.split_special_tokens = True
    return tokenizer


KINDS: dict[str, Callable[[], Any]] = {
    "byte pairs": byte_pairs,
    "unigrams": unigrams,
    "cut at the left": lambda: left(byte_pairs()),
    "special tokens as text": lambda: literal(byte_pairs()),
    "a call of its own": shouting,
}


def is_as_called(tokenizer: Any, texts: list[str], max_length: int) -> None:
    columns, num_cut = tokenized(texts, tokenizer, max_length=max_length)
    expected = tokenizer(texts, truncation=True, max_length=max_length)["input_ids"]
    uncut = [len(row) for row in tokenizer(texts, truncation=False, verbose=False)["input_ids"]]
    assert [row.tolist() for row in columns["input_ids"]] == expected
    assert columns[UNCUT] == [[length] for length in uncut]
    assert num_cut == sum(length > max_length for length in uncut)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("max_length", [2, 3, 7, 400])
def test_rows_are_those_of_the_call(kind: str, max_length: int) -> None:
    is_as_called(KINDS[kind](), SENTENCES, max_length)


@given(texts=st.lists(st.text(max_size=60), min_size=1, max_size=5), max_length=st.integers(3, 20))
def test_whatever_the_texts_are(tiny_model: Path, texts: list[str], max_length: int) -> None:
    """Word pieces, with a token at either end."""
    is_as_called(word_pieces(tiny_model), texts, max_length)


def test_a_row_without_room_for_words_is_as_the_call_makes_it() -> None:
    is_as_called(byte_pairs(), SENTENCES, 1)


def test_rows_come_in_parts_and_stay_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "TOKENIZED_ROWS", 2)
    is_as_called(unigrams(), SENTENCES, 6)


@pytest.mark.parametrize("pairs", [None, [LONG]])
def test_no_length_is_left_behind(tiny_model: Path, tmp_path: Path, pairs: list[str] | None) -> None:
    """It would be saved with the tokenizer, and cut the texts of whoever opens that."""
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    tokenized([LONG], tokenizer, max_length=5, pairs=pairs)
    tokenizer.save_pretrained(tmp_path)
    assert json.loads((tmp_path / "tokenizer.json").read_text())["truncation"] is None


def test_pairs_are_those_of_the_call(tiny_model: Path) -> None:
    """With what tells the second text from the first."""
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    columns, num_cut = tokenized(SENTENCES, tokenizer, max_length=9, pairs=SENTENCES[::-1])
    expected = tokenizer(SENTENCES, SENTENCES[::-1], truncation=True, max_length=9)
    for name in ("input_ids", "token_type_ids"):
        assert [row.tolist() for row in columns[name]] == expected[name]
    assert num_cut == sum(length > 9 for (length,) in columns[UNCUT]) > 0
