"""Scores of pairs on another scale than a loss takes: they are read as shares of `task.score_range`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slimtune.training.config.task import Pooling
from slimtune.training.config.trial import parse_trial
from slimtune.training.data.examples import Example
from slimtune.training.data.label_cells import fitting_range, share_of_range
from slimtune.training.data_report.build import data_report_of
from slimtune.training.data_report.reach_notes import reach_notes
from slimtune.training.errors import DataError
from slimtune.training.tasks.rows import read_examples
from slimtune.training.tasks.similarity import Similarity
from slimtune.training.workbench.prepared_data import PreparedData, prepare_data
from tests.training.tasks.conftest import Case
from tests.training.tasks.test_similarity import CASE, SIGNED, TEXTS, reported

GRADES = (0.5, 1.5, 2.25, 4.0, 5.0)


def graded(*grades: Any) -> Case:
    """The pairs with other labels, in turn."""
    return CASE._replace(rows=[{**row, "label": grades[at % len(grades)]} for at, row in enumerate(CASE.rows)])


BY_SPEARMAN = ("task.metrics=[spearman]", "task.metric=spearman", "fit.precision=fp32")


def prepared(values: dict[str, Any]) -> PreparedData:
    return prepare_data(parse_trial(values).section)


def test_a_range_gives_what_labels_that_were_rescaled_beforehand_give(
    values_of: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    """Loss and scores."""
    wanted = reported(values_of(graded(*(grade / 5 for grade in GRADES)), *BY_SPEARMAN), tmp_path / "shares")
    given = values_of(graded(*GRADES), *BY_SPEARMAN, "task.score_range=[0,5]")
    assert reported(given, tmp_path / "range") == wanted


@pytest.mark.parametrize(
    ("number", "ends", "share"),
    [("4.7", (0, 5), "0.94"), ("1", (1, 5), "0"), ("5.0", (1, 5), "1"), ("0", (-1, 1), "0.5")],
)
def test_numbers_are_shares_of_a_range(number: str, ends: tuple[float, float], share: str) -> None:
    assert share_of_range(number, ends, "note", "row 1") == share


@pytest.mark.parametrize(
    ("numbers", "ends"),
    [
        ([0.1, 0.5, 0.9], (0, 1)),
        ([-0.5, 0.1, 0.9], (-1, 1)),
        ([0.6, 2, 4.9], (0, 5)),
        ([1, 3, 5], (1, 5)),
        ([0, 3, 7.5], (0, 10)),
        ([12, 50, 99], (0, 100)),
        ([-7, 3, 120], (-7, 120)),
        # two labels stand for not alike and for alike
        ([1, 2, 2], (1, 2)),
        ([-1, 1], (-1, 1)),
        ([200, 200], (0, 200)),
    ],
)
def test_the_narrowest_usual_range_that_holds_all_numbers_fits(numbers: list[float], ends: tuple[float, float]) -> None:
    assert fitting_range(numbers) == ends


@pytest.mark.parametrize(
    ("grades", "setting"),
    [(GRADES, r"\[0,5\]"), ((1, 2, 5), r"\[1,5\]"), ((-1, 0.5, 1), r"\[-1,1\]"), ((3, 70.5, 250), r"\[3,250\]")],
)
def test_labels_that_a_loss_does_not_take_are_refused_with_a_range_that_fits(
    values_of: Callable[..., dict[str, Any]], grades: tuple[float, ...], setting: str
) -> None:
    with pytest.raises(DataError, match=f"takes labels from 0 to 1 .*: set 'task.score_range={setting}', the labels"):
        prepared(values_of(graded(*grades), *BY_SPEARMAN))


def test_a_label_beyond_the_range_is_told_with_its_row(values_of: Callable[..., dict[str, Any]]) -> None:
    with pytest.raises(DataError, match=r"row 5.*: column 'label' is '5.0', and task.score_range is \[0, 4\]; correct"):
        prepared(values_of(graded(*GRADES), *BY_SPEARMAN, "task.score_range=[0,4]"))


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("task.score_range=[5,0]", "task.score_range is [5.0, 0.0]; use two numbers, that of not alike below"),
        ("task.score_range=[0,1,5]", "use two numbers"),
        ("task.score_range=[2,2]", "use two numbers"),
        ("task.score_range=[0,inf]", "use two numbers"),
        ("task.score_range=5", "it is a list"),
    ],
)
def test_a_range_is_two_numbers(values_of: Callable[..., dict[str, Any]], override: str, told: str) -> None:
    assert told in parse_trial(values_of(CASE, override)).problems[0]


def test_a_range_does_not_go_with_the_name_of_a_label(values_of: Callable[..., dict[str, Any]]) -> None:
    (problem,) = parse_trial(values_of(CASE, "task.score_range=[0,5]", "task.alike_label=1")).problems
    assert "task.alike_label is 1, one of two labels; use null for one of them" in problem


def test_a_loss_of_another_range_needs_none(values_of: Callable[..., dict[str, Any]]) -> None:
    """It is told that labels are 0 to 1 by the range."""
    own = "++task.loss={_target_: tests.training.tasks.test_pair_score_range.OneToFive}"
    assert prepared(values_of(graded(1, 3, 5), *BY_SPEARMAN, own)).task.labels == ()
    with pytest.raises(
        DataError, match=r"takes labels from 1 to 5 .*'task.score_range=\[1,5\]' makes labels 0 to 1; use nu"
    ):
        prepared(values_of(graded(1, 3, 5), *BY_SPEARMAN, own, "task.score_range=[1,5]"))


class OneToFive:
    """Says what it takes."""

    label_range = (1.0, 5.0)

    def __init__(self, margin: float = 0.5) -> None:
        self.margin = margin

    def __call__(self, output1: Any, output2: Any, label: Any) -> Any:
        return ((output1 - output2).square().mean(1) * label).mean()


def test_two_grades_are_labels_for_a_loss_with_a_sign(values_of: Callable[..., dict[str, Any]]) -> None:
    data = prepared(values_of(graded(2, 4), *BY_SPEARMAN, SIGNED, "task.score_range=[2,4]"))
    assert {example.label for example in data.rows.train} == {"0", "1"}


def test_the_report_says_how_labels_are_read(values_of: Callable[..., dict[str, Any]]) -> None:
    report = data_report_of(prepared(values_of(graded(*GRADES), *BY_SPEARMAN, "task.score_range=[0,5]")))
    assert "labels from 0 to 5 are read as 0 to 1 (task.score_range), and are 0.1 to 1 so" in report.notes


@pytest.mark.parametrize(
    ("ends", "setting"), [("[1,5]", "task.metric=average_precision 'task.score_range=[2,4]',"), ("[2,4]", "precision,")]
)
def test_two_labels_within_a_range_are_named_as_rows_have_them(
    values_of: Callable[..., dict[str, Any]], ends: str, setting: str
) -> None:
    config = parse_trial(values_of(graded(2, 4), *BY_SPEARMAN, f"task.score_range={ends}")).section
    pairs = [Similarity.parse({**row}, "a row", config) for row in graded(2, 4).rows]
    (note,) = reach_notes(config.task, 0.8, [one for one in pairs if one is not None])
    assert "two labels, 4 and 2, and" in note
    assert setting in note


def test_a_column_to_be_turned_round_is_told_with_the_ends_of_its_range() -> None:
    loss = {"_target_": "slimtune.training.tasks.pair_losses.CosineLoss"}
    task = Similarity(16, Pooling.mean, ("spearman",), loss, score_range=(1.0, 5.0))
    others = [f"nobody has seen {at} of them since last winter" for at in range(40)]
    pairs = [Example(TEXTS[at % 8], str(at % 2), others[at] if at % 2 else TEXTS[at % 8]) for at in range(40)]
    (note,) = task.notes(pairs)
    assert "turn the column round (6 - label)" in note


def test_rows_that_a_model_is_scored_on_are_read_so_too(values_of: Callable[..., dict[str, Any]]) -> None:
    """As `slimtune evaluate` and the gate read them, with the row of a label beyond the range."""
    config = parse_trial(values_of(graded(*GRADES), "task.score_range=[0,5]")).section
    rows = [{"text": "a", "other": "b", "label": label} for label in (0, 2.5, "5.0")]
    assert [one.label for one in read_examples(rows, config).scored] == ["0", "0.5", "1"]
    with pytest.raises(DataError, match=r"row 4: column 'label' is '-1', and task.score_range is \[0, 5\]"):
        read_examples([*rows, {**rows[0], "label": -1}], config)
