"""Token ids of many texts, cut at a length, a thousand rows at a time."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from transformers.tokenization_utils_base import TruncationStrategy
from transformers.tokenization_utils_tokenizers import TokenizersBackend
from transformers.utils.generic import PaddingStrategy

from slimtune.training.data.tokenizing.long_pairs import near_ends

# a column of one number a row
UNCUT = "uncut_length"
TOKENIZED_ROWS = 1000


class _Cut(NamedTuple):
    """N rows.

    Attributes:
        columns: `input_ids`, for pairs `token_type_ids` too where the tokenizer has them: int32, a row each.
        uncut_lengths_N: Tokens of each before it was cut.
    """

    columns: dict[str, list[np.ndarray]]
    uncut_lengths_N: list[int]


def tokenized(
    texts: Sequence[str], tokenizer: Any, *, max_length: int, pairs: Sequence[str] | None = None
) -> tuple[dict[str, list[Any]], int]:
    """Token ids of texts, or of pairs of texts, with the tokenizer's special tokens, and how many were cut.

    They are those of `tokenizer(texts, pairs, truncation=True, max_length=max_length)`.

    Args:
        texts: N texts.
        tokenizer: Of transformers.
        max_length: Longest row in tokens.
        pairs: N second texts.
    """
    columns: dict[str, list[Any]] = {UNCUT: []}
    for part in _parts(texts, tokenizer, max_length=max_length, pairs=pairs):
        columns[UNCUT] += [[length] for length in part.uncut_lengths_N]
        for name, rows in part.columns.items():
            columns.setdefault(name, []).extend(rows)
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is not None:
        # a length that is left behind would be saved with the tokenizer
        backend.no_truncation()
    return columns, sum(length > max_length for (length,) in columns[UNCUT])


def both_uncut(first: Sequence[list[int]], second: Sequence[list[int]]) -> list[list[int]]:
    """Uncut lengths of rows with two texts that are cut each by itself."""
    return [[*one, *other] for one, other in zip(first, second, strict=True)]


def _parts(texts: Sequence[str], tokenizer: Any, *, max_length: int, pairs: Sequence[str] | None) -> Iterator[_Cut]:
    at_once = pairs is None and _is_plain(tokenizer) and max_length > tokenizer.num_special_tokens_to_add(pair=False)
    for at in range(0, len(texts), TOKENIZED_ROWS):
        part = slice(at, at + TOKENIZED_ROWS)
        if at_once:
            yield _cut_at_once(list(texts[part]), tokenizer, max_length=max_length)
        else:
            given = (list(texts[part]),) if pairs is None else (list(texts[part]), list(pairs[part]))
            yield _cut_after(given, tokenizer, max_length=max_length)


def _is_plain(tokenizer: Any) -> bool:
    """Whether the tokenizer hands texts to the package tokenizers as they are; some do things of their own before."""
    own = type(tokenizer)
    return isinstance(tokenizer, TokenizersBackend) and all(
        getattr(own, name) is getattr(TokenizersBackend, name) for name in ("__call__", "_encode_plus")
    )


def _cut_at_once(texts: list[str], tokenizer: Any, *, max_length: int) -> _Cut:
    """Cut while they are tokenized; what was cut off comes in parts with special tokens of their own.

    In half of the time that the tokenizer's own call takes, which also makes offsets, and lists of everything.
    """
    tokenizer.set_truncation_and_padding(
        padding_strategy=PaddingStrategy.DO_NOT_PAD,
        truncation_strategy=TruncationStrategy.LONGEST_FIRST,
        max_length=max_length,
        stride=0,
        pad_to_multiple_of=None,
        padding_side=None,
    )
    backend, num_special = tokenizer.backend_tokenizer, tokenizer.num_special_tokens_to_add(pair=False)
    backend.encode_special_tokens = tokenizer.split_special_tokens
    encodings = backend.encode_batch_fast(texts)
    # a list of ints takes many times the memory
    rows = [np.asarray(one.ids, dtype=np.int32) for one in encodings]
    cut_off = (sum(len(part) - num_special for part in one.overflowing) for one in encodings)
    return _Cut({"input_ids": rows}, [len(row) + more for row, more in zip(rows, cut_off, strict=True)])


def _cut_after(given: Sequence[list[str]], tokenizer: Any, *, max_length: int) -> _Cut:
    """By the tokenizer's own call; only what is to be cut is tokenized again."""
    output = tokenizer(*given, truncation=False, padding=False, return_attention_mask=False, verbose=False)
    lengths = [len(row) for row in output["input_ids"]]
    long = [row for row, length in enumerate(lengths) if length > max_length]
    cut = _cut([[side[row] for row in long] for side in given], tokenizer, max_length=max_length) if long else {}
    columns = {}
    for name in ("input_ids", "token_type_ids"):
        if name == "input_ids" or (len(given) > 1 and name in output):
            columns[name] = [np.asarray(row, dtype=np.int32) for row in output[name]]
            for place, ids in zip(long, cut[name] if long else (), strict=True):
                columns[name][place] = np.asarray(ids, dtype=np.int32)
    return _Cut(columns, lengths)


def _cut(given: Sequence[list[str]], tokenizer: Any, *, max_length: int) -> Any:
    """Texts or pairs that are too long, cut as the tokenizer cuts them; it has just cut nothing."""
    near = given if len(given) == 1 else _near_ends(given, tokenizer, max_length=max_length)
    return tokenizer(*near, truncation=True, max_length=max_length, padding=False, return_attention_mask=False)


def _near_ends(given: Sequence[list[str]], tokenizer: Any, *, max_length: int) -> list[list[str]]:
    """Pairs of very long texts without what cannot be kept; the tokenizer has just cut nothing, and does not now."""
    backend, left = getattr(tokenizer, "backend_tokenizer", None), tokenizer.truncation_side == "left"
    if backend is None:
        return list(given)
    near = (near_ends(pair, backend, max_length=max_length, left=left) for pair in zip(*given, strict=True))
    return [list(texts) for texts in zip(*near, strict=True)]
