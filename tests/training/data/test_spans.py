import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slimtune.training.data.spans import (
    Span,
    runs_of_tags,
    spans_of_tags,
    spans_of_values,
    tags_of_spans,
    unreachable_notes,
)
from slimtune.training.errors import DataError

words_and_lengths = st.lists(
    st.tuples(st.integers(1, 5), st.integers(1, 3), st.sampled_from(["", "x", "y"])), max_size=8
)


@given(words_and_lengths)
def test_spans_to_tags_and_back_are_the_same_spans(parts: list[tuple[int, int, str]]) -> None:
    """Whatever stands side by side: two spans of one type stay two."""
    ranges, spans, at = [], [], 0
    for num_words, length, label in parts:
        first = at
        for _ in range(num_words):
            ranges.append((at, at + length))
            at += length + 1
        if label:
            spans.append(Span(first, at - 1, label))
    tags = tags_of_spans(ranges, spans)
    found = [Span(ranges[first][0], ranges[last][1], label) for first, last, label in runs_of_tags(tags)]
    assert found == spans


@pytest.mark.parametrize(
    ("tags", "runs"),
    [
        (["B-x", "I-x", "O"], [(0, 1, "x")]),
        (["B-x", "B-x"], [(0, 0, "x"), (1, 1, "x")]),
        (["I-x", "I-x"], [(0, 1, "x")]),
        (["B-x", "I-y"], [(0, 0, "x"), (1, 1, "y")]),
        (["U-x", "U-x"], [(0, 0, "x"), (1, 1, "x")]),
        (["B-x", "I-x", "L-x", "B-x", "L-x"], [(0, 2, "x"), (3, 4, "x")]),
        (["U-x", "I-x"], [(0, 0, "x"), (1, 1, "x")]),
    ],
)
def test_bio_and_bilou(tags: list[str], runs: list[tuple[int, int, str]]) -> None:
    assert runs_of_tags(tags) == runs


def test_tagged_words_become_a_text_with_spans() -> None:
    text, spans = spans_of_tags(["Anna", "Lee", "left", "Rome"], ["B-who", "I-who", "O", "B-where"], where="row 1")
    assert text == "Anna Lee left Rome"
    assert [(text[span.start : span.end], span.label) for span in spans] == [("Anna Lee", "who"), ("Rome", "where")]


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        (["O"], "row 1: 2 words have 1 tags"),
        (["O", "X-who"], "row 1: tag 'X-who'; use O, B-<type>"),
        (["O", None], "row 1: a word has no tag .null, or -1 of a ClassLabel.; write O for none"),
        ("OO", "one tag a word"),
    ],
)
def test_tags_that_do_not_fit_are_named(tags: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        spans_of_tags(["a", "b"], tags, where="row 1")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([{"start": 0, "end": 9, "label": "x"}], r"span 0 to 9 \(x\) goes beyond the end of the text, which has 6"),
        ([{"start": 4, "end": 2, "label": "x"}], "ends before it begins; exchange the two"),
        ([{"start": 1, "end": 1, "label": "x"}], "is empty; 'end' is the place after its last character"),
        ([{"start": -3, "end": 1, "label": "x"}], "begins before the text; count its characters from 0"),
        (
            [{"start": 0, "end": 2, "label": "x"}, {"start": 1, "end": 3, "label": "y"}],
            r"span 1 to 3 \(y\) overlaps 0 to 2 \(x\), and a word has one type",
        ),
        ([{"start": 0, "end": 2, "label": "x"}] * 2, "stands there twice; remove one of them"),
        ([{"start": 0.5, "end": 2, "label": "x"}], "span 1 has the 'start' 0.5; write the number of a character"),
        ([{"start": 0, "end": None, "label": "x"}], "span 1 has the 'end' None; write the number"),
        ([{"start": 0, "end": math.nan, "label": "x"}], "span 1 has the 'end' nan; write the number"),
        ([{"start": 0, "end": 1, "label": None}], "span 1 has the 'label' None; write the name of its type"),
        ([{"begin": 0, "end": 1, "type": "x"}], "span 1 has no 'start' and no 'label', but begin, end, type; rename"),
        ([{"start": 0, "label": "x"}], "span 1 has no 'end'"),
        ([[0, 1, "x"]], r"span 1 is \[0, 1, 'x'\]; spans must be a list of objects"),
        ([None], "span 1 is None; spans must be a list of objects"),
        ({"start": [0], "end": [1], "label": ["x"]}, r"spans must be a list of objects .*; this row has \{'start'"),
        (None, "spans must be a list of objects .* for none; this row has null or nothing"),
        ("abc", "spans must be a list of objects"),
    ],
)
def test_a_span_that_does_not_fit_says_why_and_what_to_do(values: object, message: str) -> None:
    with pytest.raises(DataError, match=f"row 1: .*{message}"):
        spans_of_values(values, "a text", where="row 1")


def test_places_that_count_other_units_are_told() -> None:
    """Bytes, as of UTF-8, and the units of JavaScript and Java."""
    for text, end, unit in (("größer", 8, "bytes"), ("🎉 on", 5, "UTF-16 units")):
        with pytest.raises(DataError, match=f"it would fit if places count {unit}"):
            spans_of_values([{"start": 0, "end": end, "label": "x"}], text, where="row 1")


@pytest.mark.parametrize(
    ("span", "cause", "repair"),
    [
        (Span(0, 3, "x"), r"a part of a word: 1, e.g. '[gre]en door'", "widen or narrow them"),
        (Span(0, 4, "x"), r"a part of a word: 1, e.g. '[gree]n door'", "an 'end' that is one larger would mend 1"),
        (Span(0, 6, "x"), r"blanks at an end: 1, e.g. '[green ]door'", "widen or narrow them"),
    ],
)
def test_spans_that_words_cannot_spell_are_told_by_their_cause(span: Span, cause: str, repair: str) -> None:
    (note,) = unreachable_notes([("green door", [span]), ("red", [Span(0, 3, "x")])])
    assert note.startswith("spans that do not begin and end with a word of their own: 1; they cannot be found whole; ")
    assert cause in note
    assert repair in note


EMOJI, UMLAUT = "🎉🎉 hello Berlin today", "größer als Köln ist"


@pytest.mark.parametrize(
    ("text", "start", "end", "noted", "said"),
    [
        (EMOJI, 11, 17, "Berlin", "count UTF-16 units: .*; here 9 to 15"),
        (UMLAUT, 13, 18, "Köln", "count bytes: .*; here 11 to 15"),
        ("hello Ann Lee", 6, 8, "Ann", "give the last character as 'end': .*; here 6 to 9"),
        ("hello Ann Lee", 6, 6, "A", "give the last character as 'end': .*; here 6 to 7"),
        ("hello Ann Lee", 7, 10, "Ann", "count from 1: .*; here 6 to 9"),
        ("hello Ann Lee", 7, 9, "Ann", "count from 1 and give the last character as 'end': .*; here 6 to 9"),
        ("hello Ann Lee", 6, 7, "Ann Lee", "give the number of characters as 'end': .*; here 6 to 13"),
        ("hello Ann Lee", 1, 3, "Ann Lee", "count words: .*; here 6 to 13"),
        ("hello Ann Lee", 1, 2, "Ann Lee", "count words and give the last one as 'end': .*; here 6 to 13"),
        ("a\nb\nAnn", 6, 9, "Ann", r"count line ends twice, as of a file with .*; here 4 to 7"),
    ],
)
def test_a_noted_text_tells_what_places_count(text: str, start: int, end: int, noted: str, said: str) -> None:
    """Behind an emoji, places in UTF-16 units lie within the text, and a little too far."""
    span = {"start": start, "end": end, "label": "x"}
    with pytest.raises(DataError, match=rf"row 1: span {start} to {end} .*its text '{noted}' .*{said}"):
        spans_of_values([{**span, "text": noted}], text, where="row 1")


@pytest.mark.parametrize(
    ("noted", "said"),
    [
        ({"text": None}, None),
        ({"text": " Köln "}, None),
        ({"surface": "KOLN"}, None),
        ({"text": "größer als"}, "its text 'größer als' stands at 0 to 10; correct the places"),
        ({"surface": "Bonn"}, "its surface 'Bonn' stands nowhere in the text; .* take 'surface' out of the span"),
        # a form of its own for what the span means
        ({"value": "city:42"}, None),
        ({"value": "ist"}, "its value 'ist' stands at 16 to 19"),
    ],
)
def test_a_noted_text_stands_at_its_places(noted: dict[str, object], said: str | None) -> None:
    """Or it is an error with the row; what no text is expected to hold to the letter may stand nowhere."""
    values = [{"start": 11, "end": 15, "label": "x", **noted}]
    if said is None:
        assert spans_of_values(values, UMLAUT, where="row 1") == (Span(11, 15, "x"),)
        return
    with pytest.raises(DataError, match=f"row 1: span 11 to 15 .x. is 'Köln', and {said}"):
        spans_of_values(values, UMLAUT, where="row 1")


@pytest.mark.parametrize(
    ("text", "span", "unit"), [(EMOJI, Span(11, 17, "x"), "UTF-16 units"), (UMLAUT, Span(13, 18, "x"), "bytes")]
)
def test_spans_that_are_words_in_another_unit_name_it(text: str, span: Span, unit: str) -> None:
    (note,) = unreachable_notes([(text, [span]), ("red", [Span(0, 3, "x")])])
    assert note.endswith(f"; 1 would be words if their places count {unit}: count characters, as Python's len does")
