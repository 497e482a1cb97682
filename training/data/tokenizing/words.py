"""The words of a text, and which tokens begin them."""

import bisect
import re
from collections.abc import Sequence
from operator import itemgetter

# a run of letters and digits, or one other sign
WORD = re.compile(r"\w+|[^\w\s]")


def word_ranges(text: str) -> list[tuple[int, int]]:
    """The first character of each word, and the one after its last."""
    return [match.span() for match in WORD.finditer(text)]


def first_tokens(
    offsets: Sequence[tuple[int, int] | None], words: Sequence[tuple[int, int]], done: int
) -> dict[int, int]:
    """The first token of each word of a window that no earlier window had.

    Args:
        offsets: Characters of each token of the window; None for special tokens.
        words: Characters of each word of the text. A tokenizer's own words would not do: some keep a full stop with
            the word before it.
        done: The last word of earlier windows.
    """
    first: dict[int, int] = {}
    for token, span in enumerate(offsets):
        if span is None or span[0] == span[1]:
            continue
        # the last word that begins before the token's end: a token may begin with a blank
        word = bisect.bisect_left(words, span[1], key=itemgetter(0)) - 1
        if word > done and words[word][1] > span[0]:
            first.setdefault(word, token)
    return first
