"""Spans of characters, and tags of words: BIO and BILOU in both directions."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from slimtune.training.data.cells import is_missing, python_value
from slimtune.training.data.label_cells import label_name
from slimtune.training.data.tokenizing.words import word_ranges
from slimtune.training.errors import DataError

OUTSIDE = "O"
# characters that are shown on each side of a span
BESIDE = 8
SPANS_RULE = "a list of objects with 'start', 'end' and 'label', [] for none"
# BILOU's last and unit tags begin and go on as BIO's do
BEGINS, GOES_ON = ("B", "U", "S"), ("I", "L", "E")


class Unit(NamedTuple):
    """What places of a text may count instead of characters."""

    name: str
    encoding: str
    num_bytes: int

    def encoded(self, text: str) -> bytes:
        return text.encode(self.encoding, "replace")

    def in_characters(self, text: str, place: int) -> int:
        """The number of characters before a place, which may lie within one; the first of those that it cuts."""
        return len(self.encoded(text)[: max(0, place) * self.num_bytes].decode(self.encoding, "ignore"))


UNITS = (Unit("UTF-16 units", "utf-16-le", 2), Unit("bytes", "utf-8", 1))
COUNT = "count characters, as Python's len does"
# keys by which annotators note the text of a span beside its places; what is none of the text's own words may be meant
# only by those that stand for others: tokens of a pipeline, a date in its usual form
NOTED, NORMALIZED = ("text", "surface", "word", "value"), ("word", "value")
# ways to count places that are of characters, or of words: (start, end) of each as characters
OTHER_WAYS: dict[str, Callable[[str, int, int], tuple[int, int]]] = {
    "give the last character as 'end'": lambda _, start, end: (start, end + 1),
    "count from 1": lambda _, start, end: (start - 1, end - 1),
    "count from 1 and give the last character as 'end'": lambda _, start, end: (start - 1, end),
    "give the number of characters as 'end'": lambda _, start, end: (start, start + end),
    "count words": lambda text, start, end: _of_words(text, start, end),
    "count words and give the last one as 'end'": lambda text, start, end: _of_words(text, start, end + 1),
    "count line ends twice, as of a file with \\r\\n": lambda text, *places: _of_lines(text, *places),
}


class Span(NamedTuple):
    """Characters `[start, end)` of a text, and their type."""

    start: int
    end: int
    label: str

    def within(self, text: str) -> dict[str, Any]:
        """As answers have it: with the characters."""
        return {**self._asdict(), "text": text[self.start : self.end]}


def spans_of_values(values: Any, text: str, *, where: str) -> tuple[Span, ...]:
    """Spans from objects with `start`, `end` and `label`, in order.

    Raises:
        DataError: They are no such list, or one lies outside of the text, is empty, or overlaps another; the message
            says which, and how to repair it.
    """
    values = python_value(values)
    if not isinstance(values, Sequence) or isinstance(values, str | bytes):
        raise DataError(f"{where}: spans must be {SPANS_RULE}; {_nothing_or(values)}")
    spans = []
    for number, value in enumerate(values, start=1):
        spans.append(_span(value, f"{where}: span {number}"))
        _check_noted(spans[-1], value, text, where)
    spans.sort()
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
    for unit in UNITS:
        if len(text) < end <= len(unit.encoded(text)) // unit.num_bytes:
            return f"; it would fit if places count {unit.name}: {COUNT}"
    return "; correct it, or give the text that the places were counted in"


def _check_noted(span: Span, value: Mapping[str, Any], text: str, where: str) -> None:
    """Whether the text that an annotator noted beside a span stands at its places.

    Raises:
        DataError: It does not; the message says by which count of places it would, or where it stands.
    """
    noted = next(((key, one) for key in NOTED if isinstance(one := value.get(key), str) and one.strip()), None)
    if noted is None or _alike(noted[1]) == _alike(text[max(0, span.start) : max(0, span.end)]):
        return
    (key, words), stands = noted, text[max(0, span.start) : max(0, span.end)]
    said = f"{where}: span {span.start} to {span.end} ({span.label}) is {stands!r:.40}, and its {key} {words!r:.40}"
    for way, (start, end) in _other_places(span, text).items():
        if 0 <= start < end and words.strip() == text[start:end].strip():
            raise DataError(f"{said} stands there if places {way}: {COUNT}; here {start} to {end}")
    if (at := text.find(words.strip())) >= 0:
        raise DataError(f"{said} stands at {at} to {at + len(words.strip())}; correct the places")
    if key not in NORMALIZED:
        raise DataError(f"{said} stands nowhere in the text; correct one of them, or take '{key}' out of the span")


def _alike(text: str) -> str:
    """A text without blanks, accents and capitals: who notes one may have changed these, or written line ends out."""
    parts = unicodedata.normalize("NFKD", text.replace("\\n", "\n")).casefold()
    return "".join(sign for sign in parts if not sign.isspace() and not unicodedata.combining(sign))


def _other_places(span: Span, text: str) -> dict[str, tuple[int, int]]:
    """The span's characters by each other way to count them."""
    start, end = span[:2]
    units = (
        {}
        if text.isascii()
        else {f"count {unit.name}": (unit.in_characters(text, start), unit.in_characters(text, end)) for unit in UNITS}
    )
    return units | {name: way(text, start, end) for name, way in OTHER_WAYS.items()}


def _of_words(text: str, first: int, end: int) -> tuple[int, int]:
    words = [match.span() for match in re.finditer(r"\S+", text)]
    return (words[first][0], words[end - 1][1]) if 0 <= first < end <= len(words) else (0, 0)


def _of_lines(text: str, *places: int) -> tuple[int, int]:
    start, end = (len(text.replace("\n", "\r\n")[: max(0, place)].replace("\r\n", "\n")) for place in places)
    return start, end


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


def unreachable_notes(rows: Sequence[tuple[str, Sequence[Span]]]) -> list[str]:
    """Spans of texts that tags of words cannot say: how many by cause, with an example and what to do."""
    found: dict[str, list[str]] = {}
    num_one_short, num_by_unit = 0, Counter[str]()
    for text, spans in rows:
        words = word_ranges(text)
        tags = tags_of_spans(words, spans)
        reached = spans_of_words([(start, end, tag) for (start, end), tag in zip(words, tags, strict=True)])
        for span in sorted(set(spans) - set(reached)):
            found.setdefault(_cause(span, words, text), []).append(_shown(span, text))
            edges = {start for start, _ in words}, {end for _, end in words}
            num_one_short += span.start in edges[0] and span.end + 1 in edges[1]
            num_by_unit.update(_units_that_fit(span, text, edges))
    if not (total := sum(map(len, found.values()))):
        return []
    causes = "; ".join(f"{cause}: {len(shown):,}, e.g. {shown[0]}" for cause, shown in found.items())
    repair = "widen or narrow them to whole words"
    if num_one_short > total / 2:
        repair = f"an 'end' that is one larger would mend {num_one_short:,}: it is the place after the last character"
    for unit, count in num_by_unit.most_common(1):
        if count > total / 2:
            repair = f"{count:,} would be words if their places count {unit}: {COUNT}"
    what = f"spans that do not begin and end with a word of their own: {total:,}; they cannot be found whole"
    return [f"{what}; {causes}; {repair}"]


def _units_that_fit(span: Span, text: str, edges: tuple[set[int], set[int]]) -> list[str]:
    """Names of the units in which the span would begin and end with a word."""
    if text.isascii():
        return []
    places = {unit.name: [unit.in_characters(text, place) for place in span[:2]] for unit in UNITS}
    return [
        name
        for name, (start, end) in places.items()
        if start in edges[0] and end in edges[1] and (start, end) != span[:2]
    ]


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
