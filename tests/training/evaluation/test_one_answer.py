"""Answers that are all one, which scores need not show."""

from typing import Any

import pytest

from slimtune.training.data.examples import Example
from slimtune.training.evaluation.one_answer import one_answer_note

ROWS = [Example(f"question {number}", label=f"answer {number % 5}") for number in range(20)]


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([""] * 20, "20 of the 20 answers are empty, and the rows have 5 different ones"),
        (["no"] * 19 + ["yes"], '19 of the 20 answers are "no", and'),
        ([[]] * 20, "20 of the 20 answers are empty"),
        (["word " * 40] * 20, '20 of the 20 answers are "word word'),
    ],
)
def test_one_answer_to_all_rows_is_told(answers: list[Any], said: str) -> None:
    note = one_answer_note(answers, ROWS)
    assert note is not None
    assert said in note


@pytest.mark.parametrize(
    ("answers", "rows"),
    [
        ([f"answer {number % 2}" for number in range(20)], ROWS),
        # what the rows themselves have
        (["no"] * 20, [Example("question", label="no")] * 19 + [Example("question", label="yes")]),
        # tasks that give no answers, and too few rows to say
        ([], ROWS),
        ([""] * 5, ROWS[:5]),
    ],
)
def test_others_are_not(answers: list[Any], rows: list[Example]) -> None:
    assert one_answer_note(answers, rows) is None
