"""Of a task that is named, the columns are found that it would read."""

from typing import Any

import pytest

from slimtune.sweeper.starting.guess import Guess
from slimtune.sweeper.starting.known_task import columns_for
from slimtune.sweeper.starting.seen_columns import columns_of_rows
from tests.sweeper.starting.test_guess import OTHERS, REPEATED, TEXTS, cycled, rows_of

SHORT = [f"note number {number}" for number in range(30)]


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ({"question": TEXTS, "answer": REPEATED}, Guess("generation", "question", None, "answer")),
        ({"question": TEXTS, "answer": cycled("yes", "no")}, Guess("generation", "question", None, "answer")),
        # a prompt stands before its answer
        ({"id": range(30), "ask": SHORT, "tell": TEXTS}, Guess("generation", "ask", None, "tell")),
        ({"ask": SHORT, "tell": TEXTS}, Guess("translation", "ask", None, "tell")),
        # a summary is the shorter one
        ({"brief": SHORT, "whole": TEXTS}, Guess("summarization", "whole", None, "brief")),
        ({"a": SHORT, "question": TEXTS, "b": OTHERS}, Guess("generation", "question", None, "b")),
        ({"answer": TEXTS, "b": OTHERS}, Guess("generation", "b", None, "answer")),
        ({"text": TEXTS, "label": cycled("a", "b")}, Guess("generation", "text", None, "label")),
        ({"text": TEXTS}, Guess("generation", "text")),
        ({"text": TEXTS, "answer": range(30)}, Guess("generation", "text", None, "answer")),
        ({"text": TEXTS}, Guess("classification", "text")),
        ({"question": TEXTS, "answer": REPEATED}, Guess("classification", "question", None, "answer")),
        ({"text": TEXTS, "team": cycled("a", "b")}, Guess("multi_label", "text", None, "team")),
        ({"text": TEXTS, "team": cycled("a", "b")}, Guess("similarity", "text", None, "team")),
        ({"one": TEXTS, "id": range(30), "two": OTHERS}, Guess("similarity", "one", "two")),
        ({"text": TEXTS}, Guess("extraction", "text")),
        ({"number": range(30)}, Guess("language_modelling")),
    ],
)
def test_known_names_go_before_lengths(columns: dict[str, Any], found: Guess) -> None:
    """What nothing fits is left open."""
    assert columns_for(columns_of_rows(rows_of(**columns)), found.task) == found
