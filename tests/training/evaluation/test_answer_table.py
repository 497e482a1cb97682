"""Answers as people read them."""

from collections.abc import Sequence
from typing import Any, cast
from xml.etree import ElementTree

from slimtune.training.data.examples import Example
from slimtune.training.data.spans import Span
from slimtune.training.evaluation.answer_table import MOST_CHARS, answer_table
from slimtune.training.evaluation.confusion_picture import MOST_LABELS, confusion_picture
from slimtune.training.evaluation.score import Evaluation
from slimtune.training.metrics import Tally
from slimtune.training.tasks import Task


class Answers:
    """A task that gives these."""

    def __init__(self, answers: list[Any]) -> None:
        self._answers = answers

    def predictions(self, tally: Tally, generated: Tally | None, examples: list[Example]) -> list[Any]:
        return self._answers


def table_of(answers: list[Any], examples: list[Example], *, losses: Sequence[float] = (), text: bool = False) -> Any:
    tally = Tally.of(nats=list(losses), weight=[1] * len(losses)) if losses else Tally()
    evaluation = Evaluation({}, tally, Tally.of(prediction=answers) if text else None)
    return answer_table(cast(Task, Answers(answers)), evaluation, examples)


def test_the_worst_mistakes_stand_first() -> None:
    """Wrong ones before right ones, and of these the surest; rows keep their numbers."""
    examples = [Example(text, label="a") for text in ("one", "two", "three", "four")]
    table = table_of(["a", "b", "b", "a"], examples, losses=[0.1, 1.0, 5.0, 0.6])
    assert table["row"] == [3, 2, 4, 1]
    assert table["input"] == ["three", "two", "four", "one"]
    assert table["right"] == [False, False, True, True]
    assert table["loss"] == [5.0, 1.0, 0.6, 0.1]


def test_texts_stay_in_the_order_of_rows_and_long_ones_are_cut() -> None:
    """So that those of several runs stand beside each other; of fewer rows than there are."""
    examples = [Example("x" * 5000, label="right"), Example("b", label="c"), Example("not written")]
    table = table_of(["wrong", "c"], examples, text=True)
    assert table["row"] == [1, 2]
    assert len(table["input"][0]) == MOST_CHARS
    assert table["right"] == [False, True]


def test_chats_pairs_spans_several_labels_and_numbers() -> None:
    chat = Example("", messages=(("user", "hello"), ("assistant", "hi")))
    assert table_of(["hi"], [chat], text=True) == {
        "row": [1],
        "input": ["user: hello"],
        "reference": ["hi"],
        "prediction": ["hi"],
        "right": [True],
    }
    pairs = [Example("a", label="0.5", pair="b"), Example("c", label="1", pair="d")]
    table = table_of([0.4, 0.1], pairs)
    assert (table["row"], table["pair"], table["reference"]) == ([2, 1], ["d", "b"], [1.0, 0.5])
    assert "right" not in table
    spans = [Example("in Rome", spans=(Span(3, 7, "place"),)), Example("nothing")]
    found = {"start": 3, "end": 7, "label": "place", "text": "Rome"}
    assert table_of([[found], []], spans)["right"] == [True, True]
    assert table_of([[], [found]], spans)["reference"] == [[found], []]
    several = [Example("a", labels=("x", "y")), Example("b")]
    assert table_of([["y", "x"], ["x"]], several)["right"] == [False, True]


def test_next_tokens_are_no_answers() -> None:
    assert table_of([], [Example("a")]) == {}


def test_which_labels_are_taken_for_which_is_drawn() -> None:
    """Names are text, whatever signs they have; too many labels are no picture."""
    picture = confusion_picture({"labels": ["a$_b$", "<c>", "\0\ud800"], "confusion": [[3, 1, 0], [0, 2, 0], [0] * 3]})
    assert picture is not None
    shown = [element.text for element in ElementTree.fromstring(picture.encode()).iter() if element.text]
    for name in ("a$_b$", "<c>", "??"):
        assert shown.count(name) == 2
    assert [text for text in shown if text.isdigit()][:3] == ["3", "1", "2"]
    assert confusion_picture({}) is None
    many = MOST_LABELS + 1
    assert confusion_picture({"labels": ["x"] * many, "confusion": [[0] * many] * many}) is None
