"""Scores of text in any script, and a word before training where a metric cannot see it."""

import pytest

from slimtune.training.data.examples import Example
from slimtune.training.data_report.metric_notes import metric_notes
from slimtune.training.metrics import measures_of
from slimtune.training.metrics.rouge import rouge
from slimtune.training.metrics.unicode_words import UnicodeWords


def notes(metric: str, answers: list[str]) -> list[str]:
    return metric_notes(measures_of([metric]), [Example("ask", answer) for answer in answers])


@pytest.mark.parametrize(
    ("text", "half"),
    [
        ("лодка берег ветер камень", "лодка ветер"),
        ("Η βάρκα στο νερό", "βάρκα νερό"),
        ("नाव नदी किनारा हवा", "नाव हवा"),
        ("船在河上走", "船河"),
        ("เรือในน้ำ", "เรือ"),
        ("größe über straße fluß", "größe fluß"),
    ],
)
def test_s12_rouge_sees_every_script(text: str, half: str) -> None:
    """A text gets 1 against itself, a part of it something, another text nothing."""
    assert set(rouge([text], [text]).values()) == {1.0}
    assert 0 < rouge([half], [text])["rouge1"] < 1
    assert rouge(["xyz"], [text])["rouge1"] == 0
    assert notes("rouge", [text]) == []


def test_s12_words_of_scripts() -> None:
    """Marks stay on their letters, and letters of scripts without blanks stand alone."""
    words = UnicodeWords().tokenize
    assert words("हिन्दी है, don't_stop 2nd") == ["हिन्दी", "है", "don", "t", "stop", "2nd"]
    assert words("我爱 NLP模型") == ["我", "爱", "nlp", "模", "型"]
    assert words("cafe\u0301") == words("café") == ["café"]


@pytest.mark.parametrize(
    ("metric", "answers", "key"),
    [
        ("rouge", ["🙂", "👍 !", "..."], "rouge1"),
        ("bleu", ["我们在河上走了很久", "他们昨天没有来"], "bleu"),
        ("bleu", ["yes", "no"], "bleu"),
    ],
)
def test_s12_sibling_a_metric_that_cannot_see_the_answers_is_told(metric: str, answers: list[str], key: str) -> None:
    """As far as the answers themselves do not get its best score."""
    found = notes(metric, answers)
    assert any(note.startswith(f"warning: {key} gives the right answers themselves 0, not ") for note in found), found


def test_ordinary_answers_are_not_told_of() -> None:
    answers = ["The boat lies by the old bridge.", "Nobody has seen it for a week now."]
    assert [notes(metric, answers) for metric in ("rouge", "bleu", "chrf", "exact_match")] == [[], [], [], []]
    assert notes("perplexity", answers) == notes("rouge", []) == []
