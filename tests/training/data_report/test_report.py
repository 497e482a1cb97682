import io
import json
import re
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from slimtune.training.data_report.report import DataReport, Findings, RowsBySplit, as_text, make_report, render
from slimtune.training.tracking.display import told_warnings

LENGTHS = np.array([3, 4, 4, 5, 6, 7, 8, 9, 30, 70])
ROWS = RowsBySplit(
    texts={
        "train": [f"good thing number {index} " + "so" * index for index in range(8)] + ["La la la", "La la la la"],
        "validation": ["good thing number 3", "The old tune"],
        "test": [],
    },
    labels={"train": ["plus"] * 9 + ["minus"], "validation": ["plus", "new"], "test": []},
    lengths={"train": LENGTHS, "validation": np.array([6, 4]), "test": np.array([], dtype=np.int64)},
)
FOUND = Findings(
    num_empty=2,
    num_duplicates=3,
    leaks_exact=1200,
    leaks_near=34,
    leak_examples=[("a" * 500, "b")] * 9,
    blank_columns={"'text' (text_column)": 2},
)


@pytest.fixture(scope="module")
def report() -> DataReport:
    return make_report(ROWS, max_length=16, findings=FOUND)


def rendered(report: DataReport, *, width: int = 80) -> str:
    console = Console(width=width, file=io.StringIO(), color_system=None)
    for part in render(report):
        console.print(part)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


def test_splits_are_counted(report: DataReport) -> None:
    """A quantile is a length that a row has."""
    train, validation, test = report.splits
    assert (train.name, train.num_rows, train.num_tokens, train.num_cut) == ("train", 10, 146, 2)
    assert train.length_quantiles == {50: 6, 90: 30, 95: 70, 99: 70, 100: 70}
    assert (validation.num_rows, validation.num_tokens, validation.num_cut) == (2, 10, 0)
    assert validation.length_quantiles == {50: 4, 90: 6, 95: 6, 99: 6, 100: 6}
    assert (test.num_rows, test.num_tokens, test.num_cut, test.length_quantiles) == (0, 0, 0, {})


def test_what_the_reader_found_is_kept(report: DataReport) -> None:
    """Of the examples the first five, cut at 120 characters."""
    assert (report.num_empty, report.num_duplicates, report.leaks_exact, report.leaks_near) == (2, 3, 1200, 34)
    assert report.leak_examples == [("a" * 120, "b")] * 5


def test_classes_are_counted(report: DataReport) -> None:
    assert report.classes == {"plus": 9, "minus": 1}
    assert report.imbalance == 9.0


def test_lengths_are_binned(report: DataReport) -> None:
    """Ten bins at most; 8 is the smallest power of two that reaches 70 in ten."""
    counts = {8: 7, 16: 1, 32: 1, 72: 1}
    assert report.length_histogram == [(bound, counts.get(bound, 0)) for bound in range(8, 73, 8)]
    assert report.cut_share == 0.2


def test_rows_beyond_the_99_percent_have_a_bin_of_their_own() -> None:
    lengths = np.array([10] * 199 + [1000])
    rows = RowsBySplit(texts={"train": [""] * 200}, labels=None, lengths={"train": lengths})
    report = make_report(rows, max_length=16, findings=Findings())
    assert report.length_histogram[-2:] == [(10, 199), (1000, 1)]


@given(st.lists(st.integers(0, 600), min_size=1, max_size=400), st.integers(1, 600))
def test_the_histogram_has_every_row_and_the_suggestion_keeps_99_percent(values: list[int], max_length: int) -> None:
    """The suggestion is the smallest multiple of 8 that does, or the longest row."""
    lengths = np.array(values)
    rows = RowsBySplit(texts={"train": [""] * len(values)}, labels=None, lengths={"train": lengths})
    report = make_report(rows, max_length=max_length, findings=Findings())
    bounds, counts = zip(*report.length_histogram, strict=True)
    assert list(bounds) == sorted(set(bounds))
    assert len(bounds) <= 11
    edges = [-1, *bounds]
    assert list(counts) == [((lengths > low) & (lengths <= high)).sum() for low, high in pairwise(edges)]
    keeps = [length for length in range(0, 601, 8) if 100 * (lengths <= length).sum() >= 99 * len(values)]
    assert report.suggested_max_length == min(keeps[0], max(values))


def test_contradicting_labels_are_found(report: DataReport) -> None:
    assert report.label_noise == [("La la la la", "minus", "plus")]


def test_rows_that_are_the_same_are_not_nearly_so() -> None:
    """What has several targets is told where rows are read."""
    texts = {**ROWS.texts, "train": [*ROWS.texts["train"][:-2], "La la la", "la  la LA"]}
    assert make_report(ROWS._replace(texts=texts), max_length=16, findings=FOUND).label_noise == []


def test_what_all_rows_share_makes_no_conflict(report: DataReport) -> None:
    """Rows are compared by what tells them apart."""
    compared = [str(at) for at in range(10)]
    assert make_report(ROWS._replace(compared=compared), max_length=16, findings=FOUND).label_noise == []


def test_notes_say_what_to_look_at(report: DataReport) -> None:
    assert report.notes == [
        "training rows that nearly repeat an earlier one with another label: 1; "
        "e.g. 'La la la la': 'minus', the earlier one 'plus'",
        "empty rows left out: 2; blank in them: 'text' (text_column) 2",
        "duplicates left out: 3; an earlier row has the same input and target",
        "training rows that are in a held-out split too: 1,200; removed from training",
        "training rows that are nearly a held-out row: 34; removed from training",
        "20.0 % of the training rows are cut at data.max_length=16; 70 keeps 99 % whole",
        "label 'minus' has 1 row: 9 times fewer than 'plus'",
        "validation has labels that training lacks: new",
    ]


def test_clean_data_have_one_note() -> None:
    rows = ROWS._replace(labels=None)
    assert make_report(rows, max_length=70, findings=Findings()).notes == [
        "none of the training rows are cut at data.max_length=70"
    ]


def test_kept_leaks_are_said_to_flatter() -> None:
    report = make_report(ROWS, max_length=16, findings=Findings(leaks_near=1, leaks_removed=False))
    (told,) = [note for note in report.notes if "which may flatter the scores" in note]
    assert told.endswith("promotion.no_leak refuses the model for that")
    assert told_warnings([told]) == ", with 1 warning (above)"


def test_without_labels_nothing_is_said_of_classes() -> None:
    report = make_report(ROWS._replace(labels=None), max_length=16, findings=FOUND)
    assert (report.classes, report.imbalance, report.label_noise) == (None, None, [])
    assert "classes" not in rendered(report)


def test_classes_of_several_labels_are_counted_by_their_rows() -> None:
    """The largest first, those of as many rows by name, and a row's own repetition once."""
    rows = ROWS._replace(labels=None, label_sets=[("b", "a"), ("b", "b"), ("c", "b"), ()])
    report = make_report(rows, max_length=16, findings=FOUND)
    assert list(report.classes or {}) == ["b", "a", "c"]
    assert (report.classes, report.imbalance) == ({"b": 3, "a": 1, "c": 1}, 3)
    assert "classes, in training: b 3, a 1, c 1" in rendered(report)


def test_long_labels_are_cut_and_those_with_commas_quote_all(report: DataReport) -> None:
    long = "please write the whole answer again in other words"
    told = rendered(replace(report, classes={"yes, thanks": 3, "no": 2, long: 1}), width=200)
    assert f"classes, in training: 'yes, thanks' 3, 'no' 2, '{long[:40]}...' 1\n" in re.sub(" +\n", "\n", told)


def test_the_dict_survives_json(report: DataReport) -> None:
    plain: dict[str, Any] = report.as_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["splits"][0]["length_quantiles"]["50"] == 6
    assert plain["classes"] == {"plus": 9, "minus": 1}


def test_the_picture_fits_80_columns(report: DataReport) -> None:
    """With long names and numbers too; no table cell is cut, and every note is there."""
    splits = [replace(split, num_rows=1_234_567, num_tokens=123_456_789, num_cut=123_456) for split in report.splits]
    classes = {f"a rather long label, number {index}, of many" * 3: 10_000 for index in range(77)}
    large = replace(report, splits=splits[:2], classes=classes, notes=[*report.notes, "x" * 200])
    for shown in (report, large):
        text = rendered(shown)
        assert all(len(line) <= 80 for line in text.splitlines())
        assert "…" not in text
        for note in shown.notes[:-1]:
            assert note in " ".join(text.split())
    assert "69 smaller ones" in " ".join(rendered(large).split())


def test_the_picture_shows_splits_bars_and_noise(report: DataReport) -> None:
    lines = rendered(report).splitlines()
    assert "test 0 0 - - - - - 0" in [" ".join(line.split()) for line in lines]
    (bar,) = [line for line in lines if "0 to 8 tokens" in line]
    assert bar.split()[-1] == "7"
    assert "█" * 40 in bar
    assert len([line for line in lines if line.startswith("- ")]) == len(report.notes)


def test_the_plain_text_is_the_picture(report: DataReport) -> None:
    text = as_text(report)
    assert [line.split() for line in text.splitlines()] == [
        line.split() for line in rendered(report, width=110).splitlines()
    ]
    assert "\x1b" not in text


def test_markup_in_the_data_is_text() -> None:
    labels = {"train": ["[red]"] * 9 + ["[/]"]}
    text = rendered(make_report(ROWS._replace(labels=labels), max_length=16, findings=Findings()))
    assert "[red] 9, [/] 1" in text
    assert "'[/]', the earlier" in text
