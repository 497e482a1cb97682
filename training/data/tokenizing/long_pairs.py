"""Pairs of very long texts, of which only the near ends can be kept.

tokenizers makes every window of the first text with every window of the second when it cuts a pair: two texts of 40,000
tokens would be seven million pairs for a row of 32.
"""

import re
from typing import Any

# a text of so many rows' lengths is clipped; the shorter of a pair to half of that, so that it stays the shorter one
FAR = 8
# in characters; a text without blanks is cut in between
LONGEST_WORD = 100
BLANK = re.compile(r"\s")


def is_long(text: str, *, max_length: int) -> bool:
    """Whether a text may be very long; a token has at least one character."""
    return len(text) > FAR * max_length


def near_ends(pair: tuple[str, str], tokenizer: Any, *, max_length: int, left: bool = False) -> tuple[str, str]:
    """The parts of two texts that a row can have something of; two that are not very long as they are.

    Args:
        pair: The texts.
        tokenizer: Of the package tokenizers, which cuts nothing.
        max_length: Longest row in tokens.
        left: Whether rows are cut at their beginning.
    """
    if not any(is_long(text, max_length=max_length) for text in pair):
        return pair
    places = [tokenizer.encode(text, add_special_tokens=False).offsets for text in pair]
    if all(len(one) <= FAR * max_length for one in places):
        return pair
    # of an odd number of tokens, the longer text has one more; of two alike, the second
    longer, shorter = FAR * max_length + 2 * LONGEST_WORD, FAR // 2 * max_length
    kept = (longer, shorter) if len(places[0]) > len(places[1]) else (shorter, longer)
    first, second = (_end(*one, left=left) for one in zip(pair, places, kept, strict=True))
    return first, second


def _end(text: str, places: list[tuple[int, int]], kept: int, *, left: bool) -> str:
    """At least so many tokens of one end, and no part of a word."""
    if len(places) <= kept:
        return text
    if left:
        at = places[-kept][0]
        blanks = [found.end() for found in BLANK.finditer(text, max(0, at - LONGEST_WORD), at)]
        return text[blanks[-1] if blanks else at :]
    at = places[kept][0]
    found = BLANK.search(text, at, at + LONGEST_WORD)
    return text[: found.start() if found else at]
