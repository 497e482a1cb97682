"""Rows with the same input, rare labels, groups: what is the same, what is told, and on which side of a split it is."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slimtune.training.data.examples import Example
from slimtune.training.data.row_keys import input_key
from slimtune.training.data_report.build import data_report_of
from slimtune.training.data_report.label_notes import nothing_notes
from slimtune.training.errors import DataError
from slimtune.training.workbench.prepared_data import prepare_data
from tests.cases.reading import GENERATION, ConfigOf, rows_in, splits_of, trial_of
from tests.conftest import make_rows, write_jsonl

ROWS = make_rows(60)


def inputs_apart(splits: Any) -> bool:
    sides = [{input_key(row) for row in side} for side in splits.named().values()]
    return not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])


def answers(num_inputs: int, num_answers: int) -> list[dict[str, str]]:
    return [{"input": f"ask {at}", "output": f"say {at} {n}"} for at in range(num_inputs) for n in range(num_answers)]


def test_s8_one_prompt_with_many_answers_cannot_be_split_by_input(tmp_path: Path, config_of: ConfigOf) -> None:
    """No row is a duplicate; who wants a split by rows says so."""
    path = write_jsonl(tmp_path / "one.jsonl", answers(1, 40))
    with pytest.raises(DataError, match=r"all 40 rows have the input 'ask 0', .* or use data\.group_inputs=false"):
        splits_of(config_of, path, *GENERATION)
    splits = splits_of(config_of, path, *GENERATION, "data.group_inputs=false")
    assert (rows_in(splits), splits.num_duplicates) == (40, 0)


def test_s8_the_answers_of_a_prompt_stay_on_one_side(tmp_path: Path, config_of: ConfigOf) -> None:
    splits = splits_of(config_of, write_jsonl(tmp_path / "some.jsonl", answers(20, 3) + answers(4, 1)), *GENERATION)
    assert (rows_in(splits), splits.num_duplicates) == (60, 4)
    assert [len(side) for side in splits.named().values()] == [42, 9, 9]
    assert inputs_apart(splits)
    assert any("inputs with several targets: 20, in 60 rows" in note for note in splits.notes)


def test_s8_sibling_a_text_with_two_labels_is_told(tmp_path: Path, config_of: ConfigOf) -> None:
    rows = [*ROWS, {"text": ROWS[0]["text"].upper(), "label": "zero"}, dict(ROWS[1])]
    splits = splits_of(config_of, write_jsonl(tmp_path / "r.jsonl", rows))
    assert (rows_in(splits), splits.num_duplicates) == (61, 1)
    assert inputs_apart(splits)
    (note,) = splits.notes
    assert note.startswith("inputs with several targets: 1, in 2 rows; e.g. '")
    assert note.endswith(": 'plus', 'zero'")


def test_s8_sibling_pairs_labels_and_spans_are_targets_too(tmp_path: Path, config_of: ConfigOf) -> None:
    for name, rows, more in (
        (
            "pairs",
            [{"text": f"a {at // 2}", "text_pair": "b", "label": at % 2} for at in range(40)],
            ("task=similarity", "data.text_pair_column=text_pair"),
        ),
        ("many", [{"text": f"a {at // 2}", "label": ["x", "yz"[at % 2]]} for at in range(40)], ("task=multi_label",)),
        (
            "spans",
            [{"text": f"a {at // 2}", "label": [{"start": 0, "end": 1, "label": "xy"[at % 2]}]} for at in range(40)],
            ("task=extraction", "data.label_column=label"),
        ),
    ):
        splits = splits_of(config_of, write_jsonl(tmp_path / f"{name}.jsonl", rows), *more)
        assert (rows_in(splits), splits.num_duplicates) == (40, 0), name
        assert inputs_apart(splits), name
        assert any("inputs with several targets: 20" in note for note in splits.notes), name


@pytest.mark.parametrize(
    ("labels", "more"), [(("5", "2.5"), "task.score_range=[0,5]"), (("same", "other"), "task.alike_label=same")]
)
def test_s8_sibling_scores_and_names_of_pairs_are_told_as_they_are_written(
    tmp_path: Path, config_of: ConfigOf, labels: tuple[str, str], more: str
) -> None:
    rows = [{"text": f"a {at // 2}", "text_pair": "b", "label": labels[at % 2]} for at in range(40)]
    path = write_jsonl(tmp_path / "r.jsonl", rows)
    splits = splits_of(config_of, path, "task=similarity", "data.text_pair_column=text_pair", more)
    (note,) = (note for note in splits.notes if "several targets" in note)
    assert f"'a 0 b': '{labels[0]}', '{labels[1]}'" in note


def test_s8_sibling_a_held_out_file_takes_its_inputs_from_training(tmp_path: Path, config_of: ConfigOf) -> None:
    """Whatever their targets are, unless the user says otherwise."""
    train, held_out = (
        write_jsonl(tmp_path / "t.jsonl", answers(20, 2)),
        write_jsonl(tmp_path / "v.jsonl", answers(3, 1)),
    )
    more = (*GENERATION, f"data.validation_file={held_out}", "data.test_share=0")
    assert splits_of(config_of, train, *more).num_leaked == 6
    assert splits_of(config_of, train, *more, "data.group_inputs=false").num_leaked == 3


@pytest.mark.parametrize("value", [None, "", float("nan")])
def test_a_group_without_a_value_is_an_error(tmp_path: Path, config_of: ConfigOf, value: Any) -> None:
    rows: list[dict[str, Any]] = [{**row, "source": at % 9} for at, row in enumerate(ROWS)]
    rows[7]["source"] = value
    path = write_jsonl(tmp_path / "r.jsonl", rows)
    with pytest.raises(DataError, match=r"row 8: no group, column 'source' \(data\.group_column\) is empty; fill it"):
        splits_of(config_of, path, "data.group_column=source")


def test_groups_and_equal_inputs_stay_together(tmp_path: Path, config_of: ConfigOf) -> None:
    """A text of two groups joins them; 1 and 1.0 are one group."""
    rows: list[dict[str, Any]] = [{**row, "source": float(at % 9) if at % 2 else at % 9} for at, row in enumerate(ROWS)]
    rows.append({"text": ROWS[0]["text"], "label": "zero", "source": 5})
    path = write_jsonl(tmp_path / "r.jsonl", rows)
    splits = splits_of(config_of, path, "data.group_column=source")
    sides = [{row.group for row in side} for side in splits.named().values()]
    assert sum(map(len, sides)) == len(set.union(*sides)) == 9
    assert inputs_apart(splits)
    with pytest.raises(DataError, match=r"no column 'sauce' \(data.group_column\)"):
        splits_of(config_of, path, "data.group_column=sauce")


def rare(column: list[Any], last: Any) -> list[dict[str, Any]]:
    return [
        *({**row, "label": column[at % len(column)]} for at, row in enumerate(ROWS)),
        {"text": "odd", "label": last},
    ]


@pytest.mark.parametrize("seed", range(4))
def test_t4_a_rare_label_is_known_wherever_its_row_falls(tmp_path: Path, config_of: ConfigOf, seed: int) -> None:
    path = write_jsonl(tmp_path / "rare.jsonl", rare([["red", "soft"], ["soft", "round"]], ["rare"]))
    data = prepare_data(trial_of(config_of, path, "task=multi_label", f"data.seed={seed}"))
    assert data.task.labels == ("rare", "red", "round", "soft")
    side = next(name for name, rows in data.rows.named().items() if any(row.labels == ("rare",) for row in rows))
    told = f"{side} has labels that training lacks: rare" in data_report_of(data).notes
    assert told == (side != "train")


def test_t4_sibling_a_label_of_one_group_is_known(tmp_path: Path, config_of: ConfigOf) -> None:
    rows = [{**row, "source": row["label"] if row["label"] == "zero" else at % 7} for at, row in enumerate(ROWS)]
    path = write_jsonl(tmp_path / "r.jsonl", rows)
    for seed in range(3):
        config = trial_of(config_of, path, "data.group_column=source", f"data.seed={seed}")
        assert prepare_data(config).task.labels == ("minus", "plus", "zero")


def test_t4_sibling_a_label_of_another_file_alone_is_an_error_with_the_way_out(
    tmp_path: Path, config_of: ConfigOf
) -> None:
    train = write_jsonl(tmp_path / "t.jsonl", ROWS)
    held_out = write_jsonl(tmp_path / "v.jsonl", [{"text": "odd", "label": "Plus"}, {"text": "even", "label": "plus"}])
    more = (f"data.validation_file={held_out}", "data.test_share=0")
    with pytest.raises(
        DataError, match=r"have the label 'Plus' \(looks like 'plus'\), which no training row has; .* in task\.labels"
    ):
        prepare_data(trial_of(config_of, train, *more))
    named = prepare_data(trial_of(config_of, train, *more, "task.labels=[Plus,plus,minus,zero]"))
    assert "labels that differ in case or blanks alone: 'Plus' and 'plus'" in data_report_of(named).notes


def test_t4_sibling_a_type_of_spans_is_known_wherever_its_row_falls(tmp_path: Path, config_of: ConfigOf) -> None:
    spans = [[{"start": 0, "end": 3, "label": "odd" if at == 7 else "usual"}] for at in range(len(ROWS))]
    rows = [{**row, "label": found} for row, found in zip(ROWS, spans, strict=True)]
    more = ("task=extraction", "data.label_column=label")
    config = trial_of(config_of, write_jsonl(tmp_path / "r.jsonl", rows), *more)
    for seed in range(4):
        seeded = config._replace(data=replace(config.data, seed=seed))
        assert prepare_data(seeded).task.labels == ("odd", "usual")


def test_what_was_made_of_labels_is_told(tmp_path: Path, config_of: ConfigOf) -> None:
    """Spellings that are one class, and rows without any label."""
    rows = [{**row, "label": ("True", "true", 1.0, 1)[at % 4]} for at, row in enumerate(ROWS)]
    notes = data_report_of(prepare_data(trial_of(config_of, write_jsonl(tmp_path / "r.jsonl", rows)))).notes
    assert "labels that are read as another spelling: True as 'true' (15 rows), 1.0 as '1' (15 rows)" in notes
    many = [{**row, "label": (None, ["a"], "b;c", "a,None")[at % 4]} for at, row in enumerate(ROWS)]
    path = write_jsonl(tmp_path / "many.jsonl", many)
    notes = data_report_of(prepare_data(trial_of(config_of, path, "task=multi_label"))).notes
    assert "rows without any label: 15 of 60" in notes
    assert "labels with ';' or '|' in them, where commas alone part labels: b;c" in notes
    assert "labels that are words for nothing, and classes here: None" in notes


@pytest.mark.parametrize("word", ["NULL", r"\N", "nil", "(null)", "#N/A", "#N/V", "<NA>", "#REF!", " NaN "])
def test_words_for_nothing_are_told_as_labels_texts_and_targets(word: str) -> None:
    row = Example(text=word, label=word, row={}, pair=word)
    (label, texts, pairs) = nothing_notes([row], [word.strip()])
    assert label == f"labels that are words for nothing, and classes here: {word.strip()}"
    assert texts == "texts that are a word for nothing, such as nan: 1"
    assert pairs.startswith("second texts")
    assert [note.partition(" ")[0] for note in nothing_notes([row], [])] == ["texts", "second", "targets"]


def notes_of(tmp_path: Path, config_of: ConfigOf, labels: list[Any]) -> list[str]:
    rows = [{**row, "label": labels[at % len(labels)]} for at, row in enumerate(ROWS)]
    return list(data_report_of(prepare_data(trial_of(config_of, write_jsonl(tmp_path / "r.jsonl", rows)))).notes)


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (
            ["caf\u00e9", "cafe\u0301"],
            r"Unicode normal form (é as one sign or as two) alone: 'cafe\u0301' and 'caf\xe9'",
        ),
        (["yes", "ye\u200bs"], r"signs that are not seen alone: 'yes' and 'ye\u200bs'"),
        (["fine", "\ufb01ne"], "Unicode forms of letters (\ufb01 and fi, \uff21 and A) alone: 'fine' and '\ufb01ne'"),
        (["not bad", "not\u00a0bad"], r"case or blanks alone: 'not bad' and 'not\xa0bad'"),
        (["not bad", "not  bad"], "case or blanks alone: 'not  bad' and 'not bad'"),
    ],
)
def test_labels_that_look_alike_are_told_by_what_differs(
    labels: list[str], told: str, tmp_path: Path, config_of: ConfigOf
) -> None:
    assert f"labels that differ in {told}" in notes_of(tmp_path, config_of, labels)


def test_blanks_that_are_left_out_of_labels_are_counted(tmp_path: Path, config_of: ConfigOf) -> None:
    notes = notes_of(tmp_path, config_of, ["plus", " plus", "minus", "minus\u00a0"])
    told = r"blanks around them, read without these: 30 times, ' plus' as 'plus' (15), 'minus\xa0' as 'minus' (15)"
    place = tmp_path / "r.jsonl"
    assert f"labels with {told}; in {place}, row 2; {place}, row 4; {place}, row 6 and 27 more rows" in notes
    assert not any("another spelling" in note for note in notes)


def test_blanks_in_lists_of_labels_are_counted(tmp_path: Path, config_of: ConfigOf) -> None:
    rows = [{**row, "label": [row["label"], " odd"][: 1 + at % 2]} for at, row in enumerate(ROWS)]
    config = trial_of(config_of, write_jsonl(tmp_path / "r.jsonl", rows), "task=multi_label")
    notes = data_report_of(prepare_data(config)).notes
    told = "labels with blanks around them, read without these: 30 times, ' odd' as 'odd' (30); in "
    place = tmp_path / "r.jsonl"
    assert f"{told}{place}, row 2; {place}, row 4; {place}, row 6 and 27 more rows" in notes


def test_rows_with_blanks_around_labels_are_those_of_the_file(tmp_path: Path, config_of: ConfigOf) -> None:
    """Also of one that is left out, as it is there twice or is nearly a held-out row; a text is no label."""
    held_out = {"text": "the train to the coast was late again and nobody of the staff knew why it was so"}
    near = {"text": f"{held_out['text']} today", "label": "plus "}
    train = write_jsonl(tmp_path / "r.jsonl", [*ROWS, near, {**ROWS[0], "label": f"{ROWS[0]['label']} "}])
    validation = write_jsonl(tmp_path / "v.jsonl", [*make_rows(9, seed=7), {**held_out, "label": "plus"}])
    splits = splits_of(config_of, train, f"data.validation_file={validation}")
    assert (len(splits.near_leaks), splits.num_duplicates) == (1, 1)
    (note,) = (note for note in splits.notes if "blanks" in note)
    assert note.endswith(f"in {train}, row 61; {train}, row 62")
    assert " 2 times, " in note
    written = write_jsonl(tmp_path / "g.jsonl", [{**row, "input": row["text"], "output": " so "} for row in ROWS])
    of_texts = splits_of(config_of, written, *GENERATION, "data.label_column=output")
    assert not any("blanks" in note for note in of_texts.notes)


def test_inputs_of_one_unicode_text_are_one_input(tmp_path: Path, config_of: ConfigOf) -> None:
    """Whether é is one sign or two: as such they are duplicates, and on one side of a split."""
    rows = [*ROWS, {"text": "caf\u00e9 au lait", "label": "plus"}, {"text": "cafe\u0301 au lait", "label": "plus"}]
    splits = splits_of(config_of, write_jsonl(tmp_path / "r.jsonl", rows))
    assert (rows_in(splits), splits.num_duplicates) == (61, 1)


@pytest.mark.parametrize(("classes", "is_told"), [(["-1", "0", "1", "2"], True), (["-1", "1"], False), (["a"], False)])
def test_a_class_that_may_be_no_label_is_told(classes: list[str], is_told: bool) -> None:
    """Dumps of `datasets` number a missing label so, beside classes from 0 up."""
    rows = [Example("a text", label=name) for name in classes]
    assert any("label '-1' is a class here (rows: 1)" in note for note in nothing_notes(rows, classes)) is is_told
