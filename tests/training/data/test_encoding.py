import logging
import multiprocessing
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from slimtune.training.data.encoding import Encoded, Ragged, Recipe, encode
from slimtune.training.data.examples import Example
from slimtune.training.data.splits import rows_content_digest
from slimtune.training.data.tokenizing.batches import tokenized

TEXTS = ["one two three", "a", "a much longer text that will not fit into so few tokens"]


def encode_texts(texts: list[str], tokenizer: Any, *, max_length: int, cache_dir: Path) -> Encoded:
    def make() -> Encoded:
        columns, num_cut = tokenized(texts, tokenizer, max_length=max_length)
        return Encoded({"input_ids": Ragged.of(columns["input_ids"])}, num_cut)

    digest = rows_content_digest([Example(text) for text in texts])
    return encode(digest, tokenizer, Recipe({"max_length": max_length}, make), cache_dir=cache_dir)


def run_encode(folder: Path, model: Path) -> Encoded:
    return encode_texts(TEXTS, AutoTokenizer.from_pretrained(model), max_length=8, cache_dir=folder)


def ids_of(encoded: Encoded) -> list[list[int]]:
    return [encoded.row(index).tolist() for index in range(len(encoded))]


def test_rows_are_those_of_the_tokenizer(tiny_model: Path, tmp_path: Path) -> None:
    """Special tokens included, cut at max_length, cut rows counted."""
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    encoded = encode_texts(TEXTS, tokenizer, max_length=8, cache_dir=tmp_path)
    expected = tokenizer(TEXTS, truncation=True, max_length=8)["input_ids"]
    assert ids_of(encoded) == expected
    assert encoded.lengths().tolist() == [5, 3, 8]
    assert encoded.num_cut == 1


def test_the_second_time_nothing_is_tokenized(
    tiny_model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    first, second = run_encode(tmp_path, tiny_model), run_encode(tmp_path, tiny_model)
    assert ids_of(first) == ids_of(second)
    assert first.num_cut == second.num_cut
    assert ["tokenized" in message for message in caplog.messages] == [True, False]


def test_the_key_is_content_and_not_a_name(tiny_model: Path, tmp_path: Path) -> None:
    """Other texts, another length or another tokenizer are other entries."""
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    encode_texts(TEXTS, tokenizer, max_length=8, cache_dir=tmp_path)
    encode_texts([*TEXTS, "x"], tokenizer, max_length=8, cache_dir=tmp_path)
    encode_texts(TEXTS, tokenizer, max_length=9, cache_dir=tmp_path)
    tokenizer.add_tokens(["three"])
    encode_texts(TEXTS, tokenizer, max_length=8, cache_dir=tmp_path)
    assert len(list(tmp_path.glob("*.safetensors"))) == 4


def test_a_broken_entry_is_made_again(tiny_model: Path, tmp_path: Path) -> None:
    whole = ids_of(run_encode(tmp_path, tiny_model))
    path = next(tmp_path.glob("*.safetensors"))
    path.write_bytes(path.read_bytes()[:20])
    assert ids_of(run_encode(tmp_path, tiny_model)) == whole


def test_two_processes_do_not_corrupt_an_entry(tiny_model: Path, tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        results = pool.starmap(run_encode, [(tmp_path, tiny_model)] * 4)
    assert all(ids_of(result) == ids_of(results[0]) for result in results)
    assert {path.suffix for path in tmp_path.iterdir()} == {".safetensors"}
