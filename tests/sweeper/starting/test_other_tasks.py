"""Tasks that rows may be for as well."""

from typing import Any

import pytest

from slimtune.sweeper.starting.guess import guess
from slimtune.sweeper.starting.known_task import columns_for
from slimtune.sweeper.starting.other_tasks import other_tasks
from slimtune.sweeper.starting.seen_columns import columns_of_rows
from tests.sweeper.starting.test_guess import CHAT, OTHERS, REPEATED, SHORT, TEXTS, cycled, rows_of

MANY = [f"{text}, no. {number}" for text in TEXTS for number in range(2)]
PLACES = [f"town{chr(97 + number % 20)}" for number in range(60)]


@pytest.mark.parametrize(
    ("columns", "others"),
    [
        ({"question": TEXTS, "answer": REPEATED}, ["classification"]),
        ({"question": TEXTS, "answer": cycled("yes", "no")}, ["generation"]),
        ({"article": TEXTS, "summary": OTHERS}, ["generation", "translation"]),
        ({"question": TEXTS, "answer": OTHERS, "label": cycled(0, 1)}, ["classification", "similarity"]),
        ({"title": OTHERS, "body": TEXTS}, ["translation", "language_modelling"]),
        ({"body": [f"{text} " * 5 for text in TEXTS], "brief": SHORT}, ["summarization", "language_modelling"]),
        ({"brief": SHORT, "body": [f"{text} " * 20 for text in TEXTS]}, ["generation"]),
        ({"ask": TEXTS, "team": cycled("a", "b", "c"), "tell": OTHERS}, ["classification"]),
        ({"ask": TEXTS, "tell": OTHERS, "team": cycled("a", "b", "c")}, ["generation"]),
        ({"body": TEXTS, "reply": REPEATED}, ["generation"]),
        ({"body": TEXTS, "team": cycled("a", "b"), "comment": REPEATED}, ["generation"]),
        ({"ask": TEXTS, "hit": OTHERS, "note": cycled(1, 2, 3, 4, 5)}, ["classification", "generation"]),
        ({"ask": TEXTS, "hit": OTHERS, "note": cycled(0.5, 2, 3, 4, 5)}, ["generation"]),
        ({"a": TEXTS, "b": OTHERS, "team": cycled("x", "y", "z"), "note": cycled(0.5, 2)}, ["similarity"]),
        ({"text": TEXTS, "label": cycled("a", "b")}, ["language_modelling"]),
        ({"text": TEXTS, "topics": cycled(["a"], ["a", "b"]), "team": cycled("c", "d")}, ["classification"]),
        ({"text": TEXTS}, []),
        # what may be classes or short answers: many in few rows, several words, ends of sentences
        ({"frage": MANY, "antwort": PLACES}, ["generation"]),
        ({"frage": TEXTS, "antwort": cycled("in Rom", "in Paris")}, ["generation"]),
        ({"frage": TEXTS, "antwort": cycled("Rom.", "Paris.", "Wien")}, ["generation"]),
        ({"frage": TEXTS, "antwort": cycled("“Rom!”", "“Wien!”")}, ["generation"]),
        # few single words, and what is called a label
        ({"frage": TEXTS, "antwort": cycled("Rom", "Paris", "Wien.")}, ["language_modelling"]),
        ({"frage": MANY, "intent": PLACES}, ["language_modelling"]),
        ({"frage": TEXTS, "tone": cycled("not bad", "very good")}, ["language_modelling"]),
        # classes are no scores, and scores no classes
        ({"a": TEXTS, "b": OTHERS, "label": cycled("x", "y", "z")}, []),
        ({"a": TEXTS, "b": OTHERS, "score": cycled(0.2, 0.9)}, []),
        ({"messages": [CHAT] * 30}, []),
    ],
)
def test_two_of_other_kinds_are_told_before_those_that_read_the_same(
    columns: dict[str, Any], others: list[str]
) -> None:
    seen = columns_of_rows(rows_of(**columns))
    found = guess(seen)
    assert found is not None
    assert other_tasks(seen, found) == others


@pytest.mark.parametrize(
    ("task", "others"),
    [("summarization", ["generation", "language_modelling"]), ("translation", ["summarization", "generation"])],
)
def test_a_task_that_was_named_is_no_other_one(task: str, others: list[str]) -> None:
    seen = columns_of_rows(rows_of(body=[f"{text} " * 5 for text in TEXTS], brief=SHORT))
    assert other_tasks(seen, columns_for(seen, task)) == others
