"""Ids of special tokens, and numbers of tokens, in a model's files, which may name what there is not."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slimtune.training.broken_files import BROKEN, read_object
from slimtune.training.errors import ModelError

FILES = ("config.json", "generation_config.json")
ENDING = "_token_id"
# of which there may be several
ENDS = "eos_token_id"
LISTS = ("suppress_tokens", "begin_suppress_tokens")
NUMBERS = ("min_length", "min_new_tokens", "max_length", "max_new_tokens")
# of a config.json, what stands there for no padding in files of old
NO_PAD = ("pad_token_id", -1)


def check_token_ids(folder: Path, num_tokens: int, *, said: str) -> None:
    """Whether a model that writes has all tokens that its files name.

    Args:
        folder: The model's; what is no folder, such as a hub name, is not looked at.
        num_tokens: Rows of its embedding.
        said: What an error calls the model.

    Raises:
        ModelError: A file names an id that is none, or outside of the vocabulary, or a number of tokens that is none.
    """
    for name in FILES:
        try:
            values = read_object(folder / name)
        except BROKEN:
            # what is broken is told by whoever loads it, and a file may be missing
            continue
        if (fault := _fault(values, num_tokens, is_config=name == FILES[0])) is not None:
            raise ModelError(f"{said}: its {name} has {fault}")


def _fault(values: Mapping[str, Any], num_tokens: int, *, is_config: bool) -> str | None:
    for key, value in values.items():
        if value is None or (is_config and (key, value) == NO_PAD):
            continue
        written = f"{key}={json.dumps(value):.60}"
        if key.endswith(ENDING) or key in LISTS:
            many = key in LISTS or (key == ENDS and isinstance(value, list))
            if many and not isinstance(value, list):
                return f"{written}, which is no list of token ids; write one, or take the key out"
            if not all(_is_whole(one) and one < num_tokens for one in (value if many else [value])):
                return (
                    f"{written}, and the tokens of the model have the ids 0 to {num_tokens - 1}; write the id of a "
                    "token of its tokenizer, or take the key out"
                )
        elif key in NUMBERS and not _is_whole(value):
            return f"{written}, which is no whole number of tokens; write one, or take the key out"
    return None


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
