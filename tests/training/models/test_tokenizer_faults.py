"""A model without its tokenizer is refused: transformers would make one that knows no word."""

import json
from pathlib import Path
from typing import Any

import pytest

from slimtune.export.adapters.base import base_config
from slimtune.training.errors import ModelError
from slimtune.training.models.loading import load_tokenizer

# of each family, what transformers takes to make a tokenizer
FAMILIES = {
    "bert": {"model_type": "bert"},
    "gpt2": {"model_type": "gpt2", "vocab_size": 300},
    "roberta": {"model_type": "roberta"},
}


def folder_of(folder: Path, config: dict[str, Any], **tokenizer: Any) -> Path:
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    if tokenizer:
        (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer))
    return folder


@pytest.mark.parametrize("family", FAMILIES)
def test_a_folder_without_a_tokenizer_is_refused(family: str, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / family, FAMILIES[family])
    with pytest.raises(ModelError, match=r"the folder has no tokenizer \(none of tokenizer\.json") as raised:
        load_tokenizer(base_config(str(folder), None))
    assert f"tokenizer.save_pretrained('{folder}')" in str(raised.value)


def test_settings_of_a_tokenizer_are_none(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "bert", FAMILIES["bert"], tokenizer_class="BertTokenizer", unk_token="[UNK]")
    with pytest.raises(ModelError, match=r"knows special tokens alone \(\[CLS\], .*\[SEP\], \[UNK\]\)"):
        load_tokenizer(base_config(str(folder), None))


def test_a_vocabulary_of_special_tokens_is_none(tmp_path: Path) -> None:
    """Whatever files there are."""
    folder = folder_of(tmp_path / "bert", FAMILIES["bert"])
    (folder / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n")
    with pytest.raises(ModelError, match=r"': its tokenizer knows special tokens alone"):
        load_tokenizer(base_config(str(folder), None))


def test_a_tokenizer_of_bytes_needs_no_files(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "byt5", {"model_type": "t5"}, tokenizer_class="ByT5Tokenizer")
    assert load_tokenizer(base_config(str(folder), None))("ab")["input_ids"] == [100, 101, 1]


def merging(folder: Path, family: str, merges: list[str] | None) -> Path:
    """A tokenizer whose vocabulary has pairs."""
    names = dict.fromkeys(("bos_token", "eos_token", "unk_token", "pad_token"), "<eos>")
    folder = folder_of(folder / family, FAMILIES[family], **names)
    (folder / "vocab.json").write_text(json.dumps({"<eos>": 0, "a": 1, "b": 2, "c": 3, "ab": 4, "abc": 5}))
    if merges is not None:
        (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]) + "\n")
    return folder


@pytest.mark.parametrize(
    ("merges", "said"),
    [
        (None, "it has vocab.json without merges.txt, and its tokenizer is of both; copy merges.txt beside it"),
        ([], "its tokenizer makes single signs of every text, since none of its merges gives a token of its voc"),
        (["b c"], "Token `bc` out of vocabulary"),
    ],
)
@pytest.mark.parametrize("family", ["gpt2", "roberta"])
def test_a_vocabulary_without_its_merges_is_none(
    family: str, merges: list[str] | None, said: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelError) as raised:
        load_tokenizer(base_config(str(merging(tmp_path, family, merges)), None))
    assert said in str(raised.value)


@pytest.mark.parametrize("family", ["gpt2", "roberta"])
def test_a_vocabulary_with_its_merges_is_one(family: str, tmp_path: Path) -> None:
    found = load_tokenizer(base_config(str(merging(tmp_path, family, ["a b", "ab c"])), None))
    assert 5 in found("abc")["input_ids"]


def test_merges_without_their_vocabulary_are_none(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "gpt2", FAMILIES["gpt2"], tokenizer_class="GPT2Tokenizer")
    (folder / "merges.txt").write_text("#version: 0.2\na b\n")
    with pytest.raises(ModelError, match=r"it has merges.txt without vocab.json"):
        load_tokenizer(base_config(str(folder), None))
