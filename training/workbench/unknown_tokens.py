"""Texts of which a tokenizer knows nothing, or little."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from slimtune.training.data.batching import EncodedSplit
from slimtune.training.errors import ModelError

# share of a text's tokens from which it is told that they are unknown
MANY = 0.05
# at once, so that counting takes little memory
COUNTED_TOKENS = 1 << 20


class TextTokens(NamedTuple):
    """Tokens of texts, without special ones.

    Attributes:
        num_all: How many there are.
        num_unknown: Of them, those that stand for what the tokenizer does not know.
    """

    num_all: int
    num_unknown: int


def text_tokens(encoded: Mapping[str, EncodedSplit], tokenizer: Any) -> TextTokens:
    """The tokens of all splits; none is unknown to a tokenizer whose token for that means something else too."""
    unknown = _unknown_id(tokenizer)
    special = np.array([one for one in tokenizer.all_special_ids if one != unknown], dtype=np.int32)
    num_all = num_unknown = 0
    for split in encoded.values():
        ids_T = split.encoded.columns["input_ids"].values_T
        for at in range(0, len(ids_T), COUNTED_TOKENS):
            part_T = ids_T[at : at + COUNTED_TOKENS]
            num_all += len(part_T) - int(np.isin(part_T, special).sum())
            num_unknown += 0 if unknown is None else int((part_T == unknown).sum())
    return TextTokens(num_all, num_unknown)


def check_known(encoded: Mapping[str, EncodedSplit], tokenizer: Any, *, said: str) -> None:
    """Whether the tokenizer knows anything of the rows.

    Raises:
        ModelError: It gives no tokens, or the unknown one alone.
    """
    found = text_tokens(encoded, tokenizer)
    if found.num_unknown < found.num_all:
        return
    given = f"{tokenizer.unk_token} alone, which it has for what it does not know" if found.num_all else "no tokens"
    raise ModelError(
        f"{said}: for the texts of all rows its tokenizer gives {given}; use a model of their language and script, "
        "and save its own tokenizer beside it (tokenizer.save_pretrained)"
    )


def unknown_notes(encoded: Mapping[str, EncodedSplit], tokenizer: Any) -> list[str]:
    """What a person should know of texts that the tokenizer knows in part."""
    found = text_tokens(encoded, tokenizer)
    if found.num_unknown < max(1, MANY * found.num_all):
        return []
    share = found.num_unknown / found.num_all
    return [
        f"tokens that stand for what the tokenizer does not know ({tokenizer.unk_token}): {found.num_unknown:,} of "
        f"{found.num_all:,} ({share:.0%}); the model cannot tell these apart: see whether it is of the texts' language"
    ]


def _unknown_id(tokenizer: Any) -> int | None:
    others = ("bos_token_id", "eos_token_id", "pad_token_id", "sep_token_id", "cls_token_id", "mask_token_id")
    found: int | None = tokenizer.unk_token_id
    return None if found in {getattr(tokenizer, name, None) for name in others} else found
