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
