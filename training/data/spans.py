"""Spans of characters, and tags of words: BIO and BILOU in both directions."""

import bisect
import re
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from slimtune.training.data.cells import is_missing, label_name
from slimtune.training.errors import DataError

OUTSIDE = "O"
# a run of letters and digits, or one other sign
WORD = re.compile(r"\w+|[^\w\s]")
# BILOU's last and unit tags begin and go on as BIO's do
BEGINS, GOES_ON = ("B", "U", "S"), ("I", "L", "E")


class Span(NamedTuple):
    """Characters `[start, end)` of a text, and their type."""

    start: int
    end: int
    label: str


def spans_of_values(values: Any, text: str, *, where: str) -> tuple[Span, ...]:
    """Spans from objects with `start`, `end` and `label`, in order.

    Raises:
        DataError: One lies outside of the text, is empty, or overlaps another.
    """
    try:
        spans = sorted(Span(_place(value["start"]), _place(value["end"]), _type(value["label"])) for value in values)
    except (TypeError, KeyError, ValueError):
        raise DataError(
            f"{where}: spans must be a list of objects with 'start' and 'end', whole numbers, and 'label'; [] for none"
        ) from None
    end = 0
    for span in spans:
        if not end <= span.start < span.end <= len(text):
            raise DataError(
                f"{where}: span {span.start} to {span.end} ({span.label}) is empty, overlaps another, or lies outside "
                f"of the text, which has {len(text)} characters"
            )
        end = span.end
    return tuple(spans)


def _place(value: Any) -> int:
    """A whole number; 4.0 is one, as a column of floats has it."""
    if isinstance(value, bool) or int(value) != float(value):
        raise ValueError(value)
    return int(value)


def _type(value: Any) -> str:
    if is_missing(value) or (isinstance(value, Mapping | Sequence) and not isinstance(value, str)):
        raise ValueError(value)
    return label_name(str(value), value)


def spans_of_tags(words: Sequence[str], tags: Any, *, where: str) -> tuple[str, tuple[Span, ...]]:
    """A text of the words with one blank between, and its spans, from BIO or BILOU tags.

    Raises:
        DataError: There is not one tag a word, or one of them is neither `O` nor `<B, I, L, U>-<type>`.
    """
    if not isinstance(tags, Sequence) or isinstance(tags, str) or len(tags) != len(words):
        count = len(tags) if isinstance(tags, Sequence) else "no"
        raise DataError(f"{where}: {len(words)} words have {count} tags; one tag a word")
    starts, at = [], 0
    for word in words:
        starts.append(at)
        at += len(word) + 1
    spans = [
        Span(starts[first], starts[last] + len(words[last]), label)
        for first, last, label in runs_of_tags([_tag(tag, where) for tag in tags])
    ]
    return " ".join(words), tuple(spans)


def _tag(tag: Any, where: str) -> str:
    text = str(tag)
    if text == OUTSIDE or (text[:1] in (*BEGINS, *GOES_ON) and text[1:2] == "-" and text[2:]):
        return text
    raise DataError(f"{where}: tag '{text}'; use O, B-<type> and I-<type>, or BILOU's L-<type> and U-<type>")


def runs_of_tags(tags: Iterable[str]) -> list[tuple[int, int, str]]:
    """(first, last, type) of each run. A run that goes on without a beginning, or as another type, begins there."""
    runs: list[tuple[int, int, str]] = []
    before = OUTSIDE
    for at, tag in enumerate(tags):
        mark, _, label = tag.partition("-")
        if mark in GOES_ON and before != OUTSIDE and before.partition("-")[2] == label and _is_open(before):
            runs[-1] = (runs[-1][0], at, label)
        elif tag != OUTSIDE:
            runs.append((at, at, label))
        before = tag
    return runs


def _is_open(tag: str) -> bool:
    return tag[0] not in ("L", "U", "E", "S")


def tags_of_spans(words: Sequence[tuple[int, int]], spans: Sequence[Span]) -> list[str]:
    """BIO tags of words, given as character ranges; a word belongs to the span that it overlaps."""
    tags, at, begun = [], 0, -1
    for start, end in words:
        while at < len(spans) and spans[at].end <= start:
            at += 1
        if at < len(spans) and start < spans[at].end and spans[at].start < end:
            tags.append(f"{'I' if begun == at else 'B'}-{spans[at].label}")
            begun = at
        else:
            tags.append(OUTSIDE)
    return tags


def spans_of_words(words: Sequence[tuple[int, int, str]]) -> tuple[Span, ...]:
    """Spans of characters from words with their tags, in the order of the text."""
    words = sorted(words)
    runs = runs_of_tags(tag for _, _, tag in words)
    return tuple(Span(words[first][0], words[last][1], label) for first, last, label in runs)


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
