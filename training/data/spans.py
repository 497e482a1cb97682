"""Spans of characters, and tags of words: BIO and BILOU in both directions."""

import bisect
import re
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from slimtune.training.data.cells import is_missing, label_name, python_value
from slimtune.training.errors import DataError

OUTSIDE = "O"
# characters that are shown on each side of a span
BESIDE = 8
SPANS_RULE = "a list of objects with 'start', 'end' and 'label', [] for none"
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
        DataError: They are no such list, or one lies outside of the text, is empty, or overlaps another; the message
            says which, and how to repair it.
    """
    values = python_value(values)
    if not isinstance(values, Sequence) or isinstance(values, str | bytes):
        raise DataError(f"{where}: spans must be {SPANS_RULE}; {_nothing_or(values)}")
    spans = sorted(_span(value, f"{where}: span {number}") for number, value in enumerate(values, start=1))
    before: Span | None = None
    for span in spans:
        if fault := _fault(span, before, text):
            raise DataError(f"{where}: span {span.start} to {span.end} ({span.label}) {fault}")
        before = span
    return tuple(spans)


def _nothing_or(value: Any) -> str:
    return "this row has null or nothing" if is_missing(value) else f"this row has {value!r:.60}"


def _span(value: Any, where: str) -> Span:
    if isinstance(value, int) and not isinstance(value, bool):
        raise DataError(
            f"{where} is {value}, a number; of tags that are numbers nothing knows the names: write them, e.g. B-PER; "
            f"and spans must be {SPANS_RULE}"
        )
    if not isinstance(value, Mapping):
        raise DataError(f"{where} is {value!r:.60}; spans must be {SPANS_RULE}")
    if lacking := [f"'{name}'" for name in Span._fields if name not in value]:
        raise DataError(f"{where} has no {' and no '.join(lacking)}, but {', '.join(map(str, value))}; rename its keys")
    return Span(_place(value, "start", where), _place(value, "end", where), _type(value["label"], where))


def _place(value: Mapping[str, Any], key: str, where: str) -> int:
    """A whole number; 4.0 is one, as a column of floats has it."""
    place = value[key]
    try:
        if not isinstance(place, bool) and int(place) == float(place):
            return int(place)
    except (TypeError, ValueError, OverflowError):
        pass
    raise DataError(f"{where} has the '{key}' {place!r:.40}; write the number of a character, 0 for the first, as in 4")


def _type(value: Any, where: str) -> str:
    if is_missing(value) or (isinstance(value, Mapping | Sequence) and not isinstance(value, str)):
        raise DataError(f"{where} has the 'label' {value!r:.40}; write the name of its type, or remove the span")
    return label_name(str(value), value)


def _fault(span: Span, before: Span | None, text: str) -> str | None:
    """What is wrong with a span of a text, and what to do about it; `before` begins at the same place or earlier."""
    start, end, _ = span
    if start < 0:
        return "begins before the text; count its characters from 0"
    if end < start:
        return "ends before it begins; exchange the two, or, if 'end' is its length, add 'start' to it"
    if end == start:
        return "is empty; 'end' is the place after its last character"
    if end > len(text):
        return f"goes beyond the end of the text, which has {len(text)} characters{_counted_otherwise(end, text)}"
    if before == span:
        return "stands there twice; remove one of them"
    if before is not None and start < before.end:
        return (
            f"overlaps {before.start} to {before.end} ({before.label}), and a word has one type; keep one of them, or "
            "make them end where the next one begins"
        )
    return None


def _counted_otherwise(end: int, text: str) -> str:
    """Whether the places would fit in the units of other languages."""
    for unit, size in (("UTF-16 units", 2), ("bytes", 1)):
        if len(text) < end <= len(text.encode("utf-16-le" if size == 2 else "utf-8", "replace")) // size:
            return f"; it would fit if places count {unit}: count characters, as Python's len does"
    return "; correct it, or give the text that the places were counted in"


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


def is_tag(text: str) -> bool:
    """Whether a text is a tag of BIO or BILOU."""
    return text == OUTSIDE or (text[:1] in (*BEGINS, *GOES_ON) and text[1:2] == "-" and bool(text[2:]))


def _tag(tag: Any, where: str) -> str:
    if is_missing(tag):
        raise DataError(f"{where}: a word has no tag (null, or -1 of a ClassLabel); write {OUTSIDE} for none")
    text = str(tag)
    if is_tag(text):
        return text
    if isinstance(tag, int) or text.isdecimal():
        raise DataError(f"{where}: tag '{text}', a number whose name nothing knows; write the names, e.g. B-PER")
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


def unreachable_notes(rows: Sequence[tuple[str, Sequence[Span]]]) -> list[str]:
    """Spans of texts that tags of words cannot say: how many by cause, with an example and what to do."""
    found: dict[str, list[str]] = {}
    num_one_short = 0
    for text, spans in rows:
        words = [match.span() for match in WORD.finditer(text)]
        tags = tags_of_spans(words, spans)
        reached = spans_of_words([(start, end, tag) for (start, end), tag in zip(words, tags, strict=True)])
        for span in sorted(set(spans) - set(reached)):
            found.setdefault(_cause(span, words, text), []).append(_shown(span, text))
            edges = {start for start, _ in words}, {end for _, end in words}
            num_one_short += span.start in edges[0] and span.end + 1 in edges[1]
    if not (total := sum(map(len, found.values()))):
        return []
    causes = "; ".join(f"{cause}: {len(shown):,}, e.g. {shown[0]}" for cause, shown in found.items())
    repair = "widen or narrow them to whole words"
    if num_one_short > total / 2:
        repair = f"an 'end' that is one larger would mend {num_one_short:,}: it is the place after the last character"
    what = f"spans that do not begin and end with a word of their own: {total:,}; they cannot be found whole"
    return [f"{what}; {causes}; {repair}"]


def _cause(span: Span, words: Sequence[tuple[int, int]], text: str) -> str:
    if text[span.start : span.end] != text[span.start : span.end].strip():
        return "blanks at an end"
    if any(start < place < end for start, end in words for place in span[:2]):
        return "a part of a word"
    return "no word in it, or one that it shares"


def _shown(span: Span, text: str) -> str:
    """A span in brackets, with what stands beside it."""
    first, last = max(0, span.start - BESIDE), span.end + BESIDE
    return repr(f"{text[first : span.start]}[{text[span.start : span.end]}]{text[span.end : last]}")
