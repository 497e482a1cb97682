"""What is left out, merged or odd in rows is counted: lists of labels, blank texts, signs of a wrong decoding."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from slimtune.training.alike_names import looks_like
from slimtune.training.data.examples import Example
from slimtune.training.data.label_cells import label_of, labels_of
from slimtune.training.data.labelled_rows import LabelBlanks
from slimtune.training.data.readers.class_labels import with_names
from slimtune.training.data.readers.odd_signs import CONTROLS, MARK, MOJIBAKE, NUL, UNREAD, WIDE, WINDOWS, OddSigns
from slimtune.training.data_report.build import data_report_of
from slimtune.training.data_report.label_notes import likeness_notes, nothing_notes
from slimtune.training.data_report.list_notes import list_notes
from slimtune.training.data_report.report import as_text
from slimtune.training.data_report.text_notes import row_notes, text_notes
from slimtune.training.errors import DataError
from slimtune.training.workbench.prepared_data import prepare_data
from tests.cases.reading import GENERATION, ConfigOf, splits_of, trial_of
from tests.conftest import make_rows, write_jsonl

ROWS = make_rows(60)
AT = ("row 1", "label_column")
KNOWN = ["a", "b", "c"]


def read_lists(values: Sequence[Any]) -> list[Example]:
    rows = [{"label": value} for value in values]
    return [Example("t", labels=labels_of(row, "label", *AT), row=row) for row in rows]


@pytest.mark.parametrize("value", [["b", None], ["b", " "], ["b", float("nan")], "b,", '["b", null]'])
def test_a_missing_label_of_a_list_is_left_out_and_counted(value: Any) -> None:
    examples = read_lists([value, ["a"], [], None])
    assert examples[0].labels == ("b",)
    assert list_notes(examples, "label") == [
        "missing labels in lists (null, NaN or blank), which are left out: 1 (rows: 1)"
    ]


@pytest.mark.parametrize("value", [["a", "a"], ["a", " a "], "a, a, b", [1, "1.0"]])
def test_a_label_that_stands_twice_in_a_list_is_one_and_counted(value: Any) -> None:
    (note,) = list_notes(read_lists([value, ["c"]]), "label")
    assert note.startswith("labels that a row has more than once, read as one: '")
    assert note.endswith(" (rows: 1)")


def test_a_class_label_of_minus_one_is_no_label() -> None:
    """As `datasets` has rows of a split whose labels are kept back; in a list it is left out, and counted."""
    named = list(with_names([{"text": "a", "label": 0}, {"text": "b", "label": -1}], {"label": ["x", "y"]}))
    assert label_of(named[0], "label", "row 1", "label_column") == "x"
    with pytest.raises(DataError, match="row 2: column 'label' has no label, the -1 by which a ClassLabel"):
        label_of(named[1], "label", "row 2", "label_column")
    (row,) = with_names([{"label": [1, -1]}], {"label": ["x", "y"]})
    examples = [Example("a", labels=labels_of(row, "label", "row 1", "label_column"), row=row)]
    assert examples[0].labels == ("y",)
    assert list_notes(examples, "label") == [
        "missing labels in lists (null, NaN, blank, or -1 of a ClassLabel), which are left out: 1 (rows: 1)"
    ]


def test_a_row_without_an_answer_is_left_out_and_counted(tmp_path: Path, config_of: ConfigOf) -> None:
    """A place behind the end of a list is no missing column: SQuAD's questions without an answer have an empty list."""
    rows = [{"input": f"ask {at}", "answers": {"text": [f"say {at}"] if at else []}} for at in range(40)]
    more = (*GENERATION, "data.target_column=answers.text.0")
    splits = splits_of(config_of, write_jsonl(tmp_path / "q.jsonl", rows), *more)
    assert splits.num_empty == 1
    assert splits.blank_columns == {"'answers.text.0' (target_column)": 1}


def test_a_list_of_ones_and_zeros_repeats_nothing_and_misses_nothing() -> None:
    """Its parts are places; one that is missing cannot be decided."""
    row = {"label": [1, 0, 1]}
    assert list_notes([Example("t", labels=labels_of(row, "label", *AT, known=KNOWN), row=row)], "label") == []
    for value in ([1, 0, None], [1.0, float("nan"), 0.0], "[true, null, false]"):
        with pytest.raises(DataError, match=r"row 1: .* a one or zero for each class, of which 1 are missing"):
            labels_of({"label": value}, "label", *AT, known=KNOWN)


def test_blank_texts_are_counted_where_they_are_kept() -> None:
    """Of a pair, of a template, of a chat."""
    pairs = [Example("a", pair=pair) for pair in ("b", "", "")]
    assert text_notes(pairs, text_column="text", pair_column="d") == [
        "rows with a blank second text (column 'd'), which are kept: 2 of 3"
    ]
    assert text_notes(pairs, text_column="text") == []
    rows = [Example("a", "b", row={"context": value, "q": "x", "a": "b"}) for value in (None, "", "c")]
    assert text_notes(rows, text_column="text", template="{context} {q}: {a}") == [
        "rows with blank fields of data.text_template, of 3: context 2"
    ]
    chat = (("system", ""), ("user", "hello"), ("assistant", "hi"))
    assert text_notes([Example("a", "hi", messages=chat)], text_column="text") == [
        "turns of 'messages' without text, which are written as they are: system 1"
    ]


def test_rows_that_are_left_out_name_the_blank_column(tmp_path: Path, config_of: ConfigOf) -> None:
    """A text, a target, a chat, or the second text of a pair that needs both."""
    rows: list[dict[str, Any]] = [{"input": f"ask {at}", "output": f"say {at}" if at > 2 else None} for at in range(40)]
    blank = splits_of(config_of, write_jsonl(tmp_path / "g.jsonl", rows), *GENERATION).blank_columns
    assert blank == {"'output' (target_column)": 3}
    rows = [{"a": f"x {at}", "b": " " if at < 2 else f"y {at}", "label": at % 2} for at in range(40)]
    more = ("task=similarity", "data.text_column=a", "data.text_pair_column=b")
    blank = splits_of(config_of, write_jsonl(tmp_path / "s.jsonl", rows), *more).blank_columns
    assert blank == {"'b' (text_pair_column)": 2}
    turns = [{"role": "user", "content": "ask"}, {"role": "assistant", "content": "say"}]
    chats: list[dict[str, Any]] = [{"messages": [{**turns[0], "content": f"ask {at}"}, turns[1]]} for at in range(40)]
    blank = splits_of(
        config_of, write_jsonl(tmp_path / "c.jsonl", [*chats, {"messages": None}]), *GENERATION
    ).blank_columns
    assert blank == {"'messages' (messages)": 1}
    with pytest.raises(
        DataError, match=r"no rows with text, for columns are blank in them: 'output' \(target_column\) 9"
    ):
        splits_of(config_of, write_jsonl(tmp_path / "n.jsonl", [{"input": "a", "output": None}] * 9), *GENERATION)
    blank = splits_of(
        config_of, write_jsonl(tmp_path / "t.jsonl", [*ROWS, {"text": "", "label": "plus"}])
    ).blank_columns
    assert blank == {"'text' (text_column)": 1}


def test_what_stands_beside_a_chat_is_told() -> None:
    """Tools are not given to the template, in training as in prediction."""
    messages = (("user", "hello"), ("assistant", "hi"))
    rows: list[dict[str, Any]] = [{"messages": [], "tools": value} for value in (None, [], "[]", [{"name": "f"}])]
    notes = text_notes([Example("a", "hi", messages=messages, row=row) for row in rows], text_column="text")
    assert len(notes) == 1
    assert notes[0].startswith("rows with 'tools' beside 'messages', which the chat template is not given: 1;")


def test_rows_without_a_chat_among_chats_are_told() -> None:
    (note,) = text_notes(
        [Example("a", "b", messages=(("user", "a"), ("assistant", "b"))), Example("a", "b")], text_column="t"
    )
    assert note.startswith("rows without 'messages' among those with a chat: 1")


def test_words_for_nothing_are_told_wherever_they_stand() -> None:
    examples = [Example("nan", "None", pair="null"), Example("a", "b")]
    assert nothing_notes(examples, []) == [
        f"{what} that are a word for nothing, such as nan: 1" for what in ("texts", "second texts", "targets")
    ]


def test_blank_words_are_counted() -> None:
    rows = [{"tokens": ["Ann", "", None]}, {"tokens": ["Bob"]}, {"words": [" "]}]
    assert text_notes([Example("t", row=row) for row in rows], text_column="tokens") == [
        "blank words in lists of words, which leave blanks in the text: 3 (rows: 2)"
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a\0", NUL),
        ("bell\x07", CONTROLS),
        ("\0".join("hello world"), WIDE),
        ("l\x92\xe9t\xe9", WINDOWS),
        ("caf\ufffd", UNREAD),
        ("one\ufefftwo", MARK),
        ("café l’été".encode().decode("cp1252"), MOJIBAKE),
        ("café l’été".encode().decode("latin-1"), MOJIBAKE),
    ],
)
def test_signs_of_a_wrong_decoding_are_counted(text: str, reason: str) -> None:
    """In texts, second texts, targets and labels, once a row."""
    for example in (Example(text), Example("a", pair=text), Example(text, text)):
        (note,) = text_notes([example, Example("fine")], text_column="text")
        assert note.startswith(f"texts with {reason}: 1, e.g. ")


@pytest.mark.parametrize(
    "text", ["tab\tand\nlines\r\n", "\u2028 \x85 \x0c", "größer, ñandú, Ångström", "日本語 ½", "🎉"]
)
def test_other_signs_are_text(text: str) -> None:
    signs = OddSigns()
    signs.see(text)
    assert signs.notes() == []


@pytest.mark.parametrize(
    ("labels", "note"),
    [
        (["true", "1"], "'1' and 'true'"),
        (["Yes", "true", "no"], "'Yes' and 'true'"),
        (["y", "yes", "n"], "'y' and 'yes'"),
        (["1.50", "1.5"], "'1.5' and '1.50'"),
        (["1,5", "1.5"], "'1,5' and '1.5'"),
        (["007", "7", "1e3", "1000"], "'007' and '7', '1000' and '1e3'"),
    ],
)
def test_labels_that_may_mean_the_same_are_told(labels: list[str], note: str) -> None:
    assert likeness_notes(labels) == [f"labels that may mean the same, and are not one here: {note}"]


@pytest.mark.parametrize(
    "labels", [["y", "n", "t"], ["0", "1", "2"], ["yes", "no"], ["true", "false"], ["1.10", "1.9"]]
)
def test_labels_that_mean_other_things_are_not(labels: list[str]) -> None:
    assert likeness_notes(labels) == []


def test_an_unknown_label_names_the_known_one_that_it_looks_like() -> None:
    known = ["spam", "ham", "1", "é"]
    found = [looks_like(label, known) for label in ("Spam", " sp\u200bam", "true", "01", "e\u0301", "eggs")]
    assert found == [f" (looks like '{one}')" if one else "" for one in ("spam", "spam", "1", "1", "é", "")]


def test_groups_that_look_alike_are_told() -> None:
    (note,) = likeness_notes(["g1", "G1"], what="groups (data.group_column)")
    assert note == "groups (data.group_column) that differ in case or blanks alone: 'G1' and 'g1'"


def test_row_notes_are_those_of_the_task(config_of: ConfigOf, tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "r.jsonl", [{"text": f"row {at}\0", "label": ["a", "a"]} for at in range(40)])
    assert json.loads(path.read_text().splitlines()[0])["text"] == "row 0\0"
    config = trial_of(config_of, path, "task=multi_label")
    examples = splits_of(config_of, path, "task=multi_label").train
    assert [note.partition(":")[0] for note in row_notes(examples, config)] == [
        "texts with NUL characters (\\x00)",
        "labels that a row has more than once, read as one",
    ]


def test_a_label_may_end_with_a_sign_that_numpy_drops(tmp_path: Path, config_of: ConfigOf) -> None:
    """And its sign is shown by its escape."""
    rows = [{"text": f"row number {at}", "label": ("a", "a\0", "a\n\x07b")[at % 3]} for at in range(60)]
    report = data_report_of(prepare_data(trial_of(config_of, write_jsonl(tmp_path / "r.jsonl", rows))))
    assert report.classes == {"a": 14, "a\0": 14, "a\n\x07b": 14}
    text = as_text(report)
    assert "a 14" in text
    assert "a\\x00 14" in text
    assert "a\\n\\x07b 14" in text


def test_ones_and_zeros_as_texts_are_places_where_names_fit() -> None:
    """A CSV writer's list of texts; without names for each they are labels, as any other text."""
    row = {"label": ["1", "0", "1"]}
    assert labels_of(row, "label", *AT, known=KNOWN) == ("a", "c")
    assert labels_of(row, "label", *AT) == labels_of(row, "label", *AT, known=["0", "1", "2"]) == ("0", "1")


def test_long_labels_are_cut_where_they_are_told() -> None:
    long = "long " * 40
    blanks = LabelBlanks("label")
    blanks.see(Example("t", long.strip()), {"label": f" {long}"}, "rows.jsonl, row 1")
    (note,) = blanks.notes()
    assert len(note) < 200
