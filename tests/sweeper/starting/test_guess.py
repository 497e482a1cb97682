"""What rows seem to be for, from a few of them."""

from collections.abc import Sequence
from typing import Any

import pytest

from slimtune.sweeper.starting.guess import Guess, guess
from slimtune.sweeper.starting.seen_columns import Holds, columns_of_rows
from slimtune.sweeper.starting.text_columns import are_twins

TEXTS = [f"the printer on floor {number} has been out of order since this morning" for number in range(30)]
OTHERS = [f"somebody should look at the device that stands on level {number} soon" for number in range(30)]
SHORT = [f"no paper in printer {number}" for number in range(30)]
CHAT = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]


def rows_of(**columns: Sequence[Any]) -> list[dict[str, Any]]:
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def cycled(*values: Any) -> list[Any]:
    return [values[number % len(values)] for number in range(30)]


# few and short enough for names
REPEATED = cycled("we open at nine", "ask at the desk, please", "it is on the second floor")


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        # what was found out of a text stands next to it
        (
            rows_of(body=TEXTS, team=cycled("a", "b", "c"), channel=cycled("d", "e")),
            Guess("classification", "body", None, "team"),
        ),
        (
            rows_of(source=cycled("d", "e"), team=cycled("a", "b"), body=TEXTS),
            Guess("classification", "body", None, "team"),
        ),
        (
            rows_of(channel=cycled("d", "e"), body=TEXTS, one=cycled("f"), team=cycled("a", "b")),
            Guess("classification", "body", None, "team"),
        ),
        (
            rows_of(channel=cycled("d", "e"), premise=TEXTS, hypothesis=OTHERS, verdict=cycled("a", "b")),
            Guess("classification", "premise", "hypothesis", "verdict"),
        ),
        (
            rows_of(body=TEXTS, team=cycled("a", "b"), unit=cycled("d", "e"), tone=cycled("f", "g")),
            Guess("classification", "body", None, "tone"),
        ),
        (rows_of(id=range(30), body=TEXTS, team=cycled("a", "b")), Guess("classification", "body", None, "team")),
        (rows_of(text=TEXTS, label=cycled(0, 1)), Guess("classification", "text", None, "label")),
        (
            rows_of(premise=TEXTS, hypothesis=OTHERS, label=cycled("yes", "no")),
            Guess("classification", "premise", "hypothesis", "label"),
        ),
        # a column that misses many cells is no likely label, and one that misses a few may be
        (
            rows_of(body=TEXTS, channel=cycled("d", None, None), team=cycled("a", "b", "c")),
            Guess("classification", "body", None, "team"),
        ),
        (
            rows_of(body=TEXTS, team=[None, *cycled("a", "b")[1:]], channel=cycled("d", "e")),
            Guess("classification", "body", None, "team"),
        ),
        # pairs: of 0 and 1, of shares, and of words for what is alike; a class of the pair else
        (rows_of(a=TEXTS, b=OTHERS, label=cycled(0, 1)), Guess("similarity", "a", "b", "label")),
        (rows_of(a=TEXTS, b=OTHERS, label=cycled(True, False)), Guess("similarity", "a", "b", "label")),
        (rows_of(a=TEXTS, b=OTHERS, label=cycled("1.0", "0.0")), Guess("similarity", "a", "b", "label")),
        (rows_of(a=TEXTS, b=OTHERS, label=cycled(3.8, 0.2, 5)), Guess("similarity", "a", "b", "label")),
        (rows_of(a=TEXTS, b=OTHERS, gold=cycled(0.2, 0.9, 1)), Guess("similarity", "a", "b", "gold")),
        (rows_of(a=TEXTS, b=OTHERS, paraphrase=cycled(0, 1)), Guess("similarity", "a", "b", "paraphrase")),
        (rows_of(id=range(30), a=TEXTS, b=OTHERS, kind=cycled("same", "x")), Guess("similarity", "a", "b", "kind")),
        (rows_of(a=TEXTS, b=OTHERS, label=cycled(0, 1, 2)), Guess("classification", "a", "b", "label")),
        (rows_of(a=TEXTS, b=OTHERS, label=cycled("x", "y")), Guess("classification", "a", "b", "label")),
        # a title and a body are no two texts of one kind
        (rows_of(title=TEXTS, body=OTHERS, label=cycled(0, 1)), Guess("classification", "title", "body", "label")),
        (
            rows_of(title=TEXTS, body=OTHERS, sure=cycled(0.1, 0.9), team=cycled("x", "y")),
            Guess("classification", "title", "body", "team"),
        ),
        # a score of two texts that are about as long
        (rows_of(title=TEXTS, body=OTHERS, sure=cycled(0.1, 0.9)), Guess("similarity", "title", "body", "sure")),
        (rows_of(title=SHORT, body=OTHERS, sure=cycled(0.1, 0.9)), Guess("generation", "title", None, "body")),
        (
            rows_of(one=TEXTS, two=OTHERS, sure=cycled(0.1, 0.9), more=cycled(1, 2)),
            Guess("generation", "one", None, "two"),
        ),
        (
            rows_of(satz_a=TEXTS, satz_b=OTHERS, note=cycled(0.6, 4.9, 2)),
            Guess("similarity", "satz_a", "satz_b", "note"),
        ),
        (rows_of(satz_a=TEXTS, satz_b=OTHERS, note=cycled(3.5, 250)), Guess("similarity", "satz_a", "satz_b", "note")),
        (
            rows_of(satz_a=TEXTS, satz_b=OTHERS, note=cycled(1, 2, 3, 4)),
            Guess("similarity", "satz_a", "satz_b", "note"),
        ),
        (
            rows_of(satz_a=TEXTS, satz_b=OTHERS, note=cycled(0, 1, 2)),
            Guess("classification", "satz_a", "satz_b", "note"),
        ),
        (rows_of(ask=TEXTS, hit=OTHERS, note=cycled(1, 2, 3, 4, 5)), Guess("similarity", "ask", "hit", "note")),
        (rows_of(ask=TEXTS, hit=OTHERS, fits=cycled(0, 1)), Guess("classification", "ask", "hit", "fits")),
        # numbers that are all different are ids
        (rows_of(id=range(30), satz_a=TEXTS, satz_b=OTHERS), Guess("generation", "satz_a", None, "satz_b")),
        # of texts without a label the second answers the first, also with names between them
        (rows_of(frage=TEXTS, antwort=OTHERS), Guess("generation", "frage", None, "antwort")),
        (rows_of(frage=TEXTS, kontext=cycled("a", "b"), antwort=OTHERS), Guess("generation", "frage", None, "antwort")),
        (
            rows_of(satz_a=TEXTS, kontext=cycled("a", "b"), satz_b=OTHERS),
            Guess("classification", "satz_a", "satz_b", "kontext"),
        ),
        (
            rows_of(frage=TEXTS, antwort=OTHERS, kontext=cycled("a", "b")),
            Guess("classification", "frage", "antwort", "kontext"),
        ),
        (
            rows_of(datum=cycled("2026-03-01", "2026-03-02"), frage=TEXTS, antwort=OTHERS),
            Guess("generation", "frage", None, "antwort"),
        ),
        # a heading is no question, and a name no sentence
        (rows_of(title=SHORT, text=[f"{text} " * 9 for text in TEXTS]), Guess("language_modelling", "text")),
        (rows_of(name=[f"Ann {at}" for at in range(30)], text=TEXTS), Guess("language_modelling", "text")),
        (
            rows_of(premise=TEXTS, hypothesis=OTHERS, label=cycled(0, 1)),
            Guess("classification", "premise", "hypothesis", "label"),
        ),
        (rows_of(a=TEXTS, b=OTHERS, score=range(30)), Guess("similarity", "a", "b", "score")),
        (rows_of(question=TEXTS, answer=OTHERS), Guess("generation", "question", None, "answer")),
        # answers that repeat are sentences, classes are names
        (rows_of(question=TEXTS, answer=REPEATED), Guess("generation", "question", None, "answer")),
        (rows_of(prompt=TEXTS, completion=REPEATED), Guess("generation", "prompt", None, "completion")),
        (rows_of(instruction=REPEATED, output=REPEATED), Guess("generation", "instruction", None, "output")),
        (rows_of(article=TEXTS, summary=REPEATED), Guess("summarization", "article", None, "summary")),
        (rows_of(question=TEXTS, answer=cycled("yes", "no")), Guess("classification", "question", None, "answer")),
        (rows_of(text=TEXTS, answer=REPEATED), Guess("classification", "text", None, "answer")),
        (rows_of(source=cycled("d", "e"), body=TEXTS, reply=REPEATED), Guess("classification", "body", None, "reply")),
        (rows_of(question=TEXTS, answer=range(30)), Guess("generation", "question", None, "answer")),
        (rows_of(text=TEXTS, answer=range(30)), Guess("language_modelling", "text")),
        (rows_of(question=TEXTS, label=REPEATED), Guess("classification", "question", None, "label")),
        (rows_of(article=TEXTS, highlights=OTHERS), Guess("summarization", "article", None, "highlights")),
        (
            rows_of(instruction=TEXTS, input=OTHERS, output=TEXTS),
            Guess("generation", "instruction", None, "output", ("input",)),
        ),
        (rows_of(messages=[CHAT] * 30), Guess("generation")),
        (
            rows_of(text=TEXTS, spans=[[{"start": 0, "end": 3, "label": "x"}]] * 30),
            Guess("extraction", "text", None, "spans"),
        ),
        (
            rows_of(tokens=[["Ann", "left"]] * 30, tags=[["B-who", "O"]] * 30),
            Guess("extraction", "tokens", None, "tags"),
        ),
        (rows_of(text=TEXTS, topics=cycled(["a"], ["a", "b"])), Guess("multi_label", "text", None, "topics")),
        (rows_of(text=TEXTS), Guess("language_modelling", "text")),
        (rows_of(number=range(30)), None),
    ],
)
def test_rows_show_what_they_are_for(rows: list[dict[str, Any]], found: Guess | None) -> None:
    assert guess(columns_of_rows(rows)) == found


@pytest.mark.parametrize(
    ("name", "other", "expected"),
    [
        ("question1", "question2", True),
        ("sentence_a", "sentence_b", True),
        ("text", "text_pair", True),
        ("first_text", "second_text", True),
        ("a", "b", True),
        ("title", "body", False),
        ("text", "context", False),
        ("premise", "hypothesis", False),
    ],
)
def test_two_texts_of_one_kind_are_called_alike(name: str, other: str, expected: bool) -> None:
    assert are_twins(name, other) is expected


def test_what_a_person_says_they_are_for_holds_where_the_columns_allow_it() -> None:
    columns = columns_of_rows(rows_of(question=TEXTS, answer=OTHERS, topic=cycled("a", "b")))
    assert guess(columns, "classification") == Guess("classification", "question", "answer", "topic")
    assert guess(columns, "translation") == Guess("translation", "question", None, "answer")
    assert guess(columns, "extraction") is None
    pairs = columns_of_rows(rows_of(a=TEXTS, b=OTHERS, paraphrase=cycled(0, 1)))
    assert guess(pairs, "classification") == Guess("classification", "a", "b", "paraphrase")
    scored = columns_of_rows(rows_of(a=TEXTS, b=OTHERS, score=cycled(0.5, 1), team=cycled("x", "y")))
    assert guess(scored, "classification") == Guess("classification", "a", "b", "team")


@pytest.mark.parametrize(
    ("cells", "holds"),
    [
        (["1", "2.5", "-3"], Holds.number),
        ([True, False, True, False, True], Holds.name),
        (['["a", "b"]', '["a"]', '["b", "a"]'], Holds.labels),
        ([None, "", float("nan")], Holds.other),
        ([{"a": 1}], Holds.other),
    ],
)
def test_cells_are_read_as_training_reads_them(cells: list[Any], holds: Holds) -> None:
    """Numbers and lists also where they are written as text, and nothing as nothing."""
    assert columns_of_rows([{"x": cell} for cell in cells])[0].holds is holds


@pytest.mark.parametrize(
    "codes",
    [
        [f"2026-06-{number + 1:02}" for number in range(30)],
        [f"2026-06-{number + 1:02}T10:30:00Z" for number in range(30)],
        [f"{number + 1} March 2026, 10:30" for number in range(30)],
        [f"Mon, {number + 1} Jun 2026" for number in range(30)],
        [f"TICKET-{number}" for number in range(30)],
        [f"https://example.org/tickets/{number}" for number in range(30)],
        [f"person{number}@example.org" for number in range(30)],
        [f"+49 30 {number} 17 18" for number in range(30)],
    ],
)
def test_numbers_dates_and_addresses_are_no_text(codes: list[str]) -> None:
    team = cycled("a", "b", "c")
    columns = columns_of_rows(rows_of(first=codes, body=TEXTS, team=team, last=codes))
    assert guess(columns) == Guess("classification", "body", None, "team")
    two = columns_of_rows(rows_of(first=codes, subject=OTHERS, body=TEXTS, team=team))
    assert guess(two) == Guess("classification", "subject", "body", "team")
    # unless there is nothing else to read
    assert guess(columns_of_rows(rows_of(first=codes, team=team))) == Guess("classification", "first", None, "team")


def test_sentences_that_repeat_are_texts_where_nothing_else_is() -> None:
    """The column with most of them and its twin; with a text beside them they are labels, or notes."""
    asked = cycled(*(f"how do I update {name}" for name in ("the phone", "my plan", "an address", "it")))
    others = cycled(*(f"I need help with {name}" for name in ("the phone", "my plan", "this")))
    same = cycled("no", "yes")
    pairs = columns_of_rows(rows_of(ask_a=asked, ask_b=others, same=same))
    assert guess(pairs) == Guess("classification", "ask_a", "ask_b", "same")
    assert guess(pairs, "similarity") == Guess("similarity", "ask_a", "ask_b", "same")
    of_one = columns_of_rows(rows_of(asked=asked, reply=cycled("call us now", "write us an e-mail")))
    assert guess(of_one) == Guess("classification", "asked", None, "reply")
    beside = columns_of_rows(rows_of(body=TEXTS, reply=REPEATED))
    assert guess(beside, "classification") == Guess("classification", "body", None, "reply")


def test_of_several_texts_two_of_one_kind_are_a_pair_else_the_longest() -> None:
    short = [f"a note of number {number}" for number in range(30)]
    team = cycled("a", "b", "c")
    longest = columns_of_rows(rows_of(note=short, subject=OTHERS, body=TEXTS, team=team))
    assert guess(longest, "classification") == Guess("classification", "subject", "body", "team")
    twins = columns_of_rows(rows_of(note=TEXTS, text_a=short, text_b=OTHERS, score=cycled(0.5, 0.7, 0.9)))
    assert guess(twins) == Guess("similarity", "text_a", "text_b", "score")
    assert guess(columns_of_rows(rows_of(note=short, body=TEXTS))) == Guess("generation", "note", None, "body")


MANY = [TEXTS[at // 3][:40] for at in range(90)]


def test_many_sentences_that_repeat_a_few_times_are_texts() -> None:
    """Those of few values, or of many rows each, are classes, as is what is called so."""
    asked = [f"{text}, says {at}" for at, text in enumerate(MANY)]
    team = [("a", "b")[at % 2] for at in range(90)]
    assert guess(columns_of_rows(rows_of(frage=asked, kontext=team, antwort=MANY))) == Guess(
        "generation", "frage", None, "antwort"
    )
    assert guess(columns_of_rows(rows_of(frage=asked, intent=MANY))) == Guess("classification", "frage", None, "intent")
    often = columns_of_rows(rows_of(frage=asked * 5, antwort=MANY * 5))
    assert guess(often) == Guess("classification", "frage", None, "antwort")
    scored = rows_of(satz_a=MANY, satz_b=MANY[::-1], note=[at % 12 / 4 for at in range(90)])
    assert guess(columns_of_rows(scored)) == Guess("similarity", "satz_a", "satz_b", "note")
