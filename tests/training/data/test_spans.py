import pytest
from hypothesis import given
from hypothesis import strategies as st

from slimtune.training.data.spans import Span, runs_of_tags, spans_of_tags, spans_of_values, tags_of_spans
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
        ("OO", "one tag a word"),
    ],
)
def test_tags_that_do_not_fit_are_named(tags: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        spans_of_tags(["a", "b"], tags, where="row 1")


@pytest.mark.parametrize(
    "values",
    [
        [{"start": 0, "end": 9, "label": "x"}],
        [{"start": 0, "end": 2, "label": "x"}, {"start": 1, "end": 3, "label": "y"}],
        [{"start": 1, "end": 1, "label": "x"}],
        [{"start": 0, "label": "x"}],
        "abc",
    ],
)
def test_spans_that_do_not_fit_are_an_error(values: object) -> None:
    with pytest.raises(DataError, match="row 1: span"):
        spans_of_values(values, "a text", where="row 1")
