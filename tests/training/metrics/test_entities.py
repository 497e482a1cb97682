import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from seqeval.metrics.v1 import precision_recall_fscore_support
from seqeval.scheme import IOB2

from slimtune.training.metrics.entities import TypeScores, entity_f1, per_type

NUM_WORDS = 8
Side = list[tuple[int, str]]  # runs of words and their types, "" outside

# few types and short rows, so that both sides often agree
sides = st.lists(st.tuples(st.integers(1, 3), st.sampled_from(["", "person", "place"])), max_size=6)
rows = st.lists(st.tuples(sides, sides), min_size=1, max_size=5)


def spans_and_tags(side: Side) -> tuple[list[str], list[str]]:
    """A row's spans, and the same as BIO tags of its words."""
    spans, tags = [], []
    for length, kind in side:
        start, end = len(tags), min(len(tags) + length, NUM_WORDS)
        if kind and start < end:
            spans.append(f"{start}:{end}:{kind}")
        tags += [f"{'I' if at > start else 'B'}-{kind}" if kind else "O" for at in range(start, end)]
    return spans, tags + ["O"] * (NUM_WORDS - len(tags))


@settings(deadline=None, max_examples=80)
@given(rows=rows)
def test_scores_are_those_of_seqeval_in_strict_mode(rows: list[tuple[Side, Side]]) -> None:
    predictions, predicted_tags = zip(*(spans_and_tags(side) for side, _ in rows), strict=True)
    references, reference_tags = zip(*(spans_and_tags(side) for _, side in rows), strict=True)
    assume(any(predictions) or any(references))

    def oracle(average: str | None) -> tuple:  # type: ignore[type-arg]
        tags = list(reference_tags), list(predicted_tags)
        return precision_recall_fscore_support(*tags, average=average, zero_division=0, scheme=IOB2)

    scores = entity_f1(predictions=list(predictions), references=list(references))
    assert [scores["precision"], scores["recall"], scores["f1"]] == pytest.approx(oracle("micro")[:3])
    assert scores["f1_macro"] == pytest.approx(oracle("macro")[2])
    of_types = per_type(predictions, references)
    assert list(of_types) == sorted(of_types)
    for ours, theirs in zip(of_types.values(), zip(*oracle(None), strict=True), strict=True):
        assert ours == pytest.approx(theirs)


def test_a_span_is_right_only_with_start_end_and_type_in_its_own_row() -> None:
    references = [["0:5:person", "9:12:place"], []]
    predictions = [["0:5:place", "9:11:place"], ["9:12:place"]]
    assert entity_f1(predictions=predictions, references=references)["f1"] == 0.0


def test_a_repeated_span_counts_once_and_a_type_may_have_a_colon() -> None:
    scores = per_type([["0:5:geo:city", "00:5:geo:city"]], [["0:5:geo:city"]])
    assert scores == {"geo:city": TypeScores(1.0, 1.0, 1.0, 1)}


def test_rows_without_spans_score_zero_without_a_warning() -> None:
    scores = entity_f1(predictions=[[], []], references=[[], []])
    assert scores == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "f1_macro": 0.0}


@pytest.mark.parametrize("span", ["person", "0:5", "0:5:", "a:5:person", "-1:5:person"])
def test_what_is_no_span_is_named(span: str) -> None:
    with pytest.raises(ValueError, match=f"'{span}' is not start:end:type"):
        per_type([[span]], [[]])
