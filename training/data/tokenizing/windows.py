"""Long texts in windows of tokens, with a tag for each word."""

# T tokens

import copy
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from slimtune.training.data.batching import IGNORED
from slimtune.training.data.encoding import Encoded, Ragged
from slimtune.training.data.examples import Example
from slimtune.training.data.spans import tags_of_spans
from slimtune.training.data.tokenizing.words import first_tokens, word_ranges

# columns: the example that a window is of, and the first and last character of each token's word
EXAMPLE, STARTS, ENDS = "example", "word_starts", "word_ends"


def windows_of(
    examples: Sequence[Example], tokenizer: Any, tags: Sequence[str], *, max_length: int, stride: int
) -> Encoded:
    """Windows of the texts; a text that is cut is one that is several windows.

    Args:
        examples: With their spans.
        tokenizer: One that tells where its tokens stand.
        tags: In the order of their numbers.
        max_length: Longest window in tokens.
        stride: Tokens that two windows share.
    """
    ids = {tag: index for index, tag in enumerate(tags)}
    texts = [example.text for example in examples]
    ranges = [word_ranges(text) for text in texts]
    # the windows of a tokenizer that cuts on the left would come in another order
    output = _cutting_right(tokenizer)(
        texts,
        truncation=True,
        max_length=max_length,
        stride=stride,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )
    columns: dict[str, list[list[int]]] = defaultdict(list)
    windows = output["overflow_to_sample_mapping"]
    done: dict[int, int] = {}
    for window, index in enumerate(windows):
        offsets = [
            range_ if sequence is not None else None
            for range_, sequence in zip(output["offset_mapping"][window], output.sequence_ids(window), strict=True)
        ]
        words = first_tokens(offsets, ranges[index], done.get(index, -1))
        done[index] = max([done.get(index, -1), *words])
        spans = [ranges[index][word] for word in words]
        found = tags_of_spans(spans, examples[index].spans)
        size = len(output["input_ids"][window])
        labels, starts, ends = [IGNORED] * size, [0] * size, [0] * size
        for token, (start, end), tag in zip(words.values(), spans, found, strict=True):
            labels[token], starts[token], ends[token] = ids[tag], start, end
        row = {"input_ids": output["input_ids"][window], "labels": labels, STARTS: starts, ENDS: ends}
        for name, values in (row | {EXAMPLE: [index]}).items():
            columns[name].append(values)
    several = sum(count > 1 for count in np.bincount(windows))
    return Encoded({name: Ragged.of(rows) for name, rows in columns.items()}, int(several))


def _cutting_right(tokenizer: Any) -> Any:
    if tokenizer.truncation_side == "right":
        return tokenizer
    other = copy.copy(tokenizer)
    other.truncation_side = "right"
    return other
