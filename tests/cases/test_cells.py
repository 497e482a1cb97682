"""A cell by its type: objects and lists, paths, what is missing, numbers and booleans as names, lists as text."""

import json
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from slimtune.sweeper.cli import main
from slimtune.training.data.cells import cell_of, is_missing, needed, text_in, text_of
from slimtune.training.data.label_cells import label_of, labels_of, number_of
from slimtune.training.errors import ConfigError, DataError
from slimtune.training.tasks import task_of
from tests.cases.reading import GENERATION, ConfigOf, rows_in, splits_of, trial_of
from tests.conftest import make_rows, write_jsonl

ROWS = make_rows(60)
AT = ("row 1", "text_column")


def nested(path: Path) -> Path:
    return write_jsonl(path, [{"text": {"title": row["text"], "body": "x"}, "label": row["label"]} for row in ROWS])


def test_s5_an_object_is_no_text_and_a_path_into_it_is(tmp_path: Path, config_of: ConfigOf) -> None:
    path = nested(tmp_path / "nested.jsonl")
    with pytest.raises(
        DataError, match=r"row 1: column 'text' holds an object with title, body; .*text_column=text\.title"
    ):
        splits_of(config_of, path)
    assert rows_in(splits_of(config_of, path, "data.text_column=text.title")) == 60


def test_s5_the_command_ends_with_one_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = nested(tmp_path / "nested.jsonl")
    assert main(["train", "data=file", f"data.train_file={path}", "tracking=none", "export=none"]) == 2
    found = capsys.readouterr()
    assert "holds an object" in found.err + found.out
    assert "Traceback" not in found.err + found.out


def test_s5_sibling_a_list_is_no_text(tmp_path: Path, config_of: ConfigOf) -> None:
    path = write_jsonl(tmp_path / "lists.jsonl", [{**row, "text": row["text"].split()} for row in ROWS])
    with pytest.raises(DataError, match=r"column 'text' holds a list, \[.*\]; join its parts into one text"):
        splits_of(config_of, path)


@pytest.mark.parametrize("column", ["input", "output"])
def test_s5_sibling_prompts_answers_and_templates_hold_text(tmp_path: Path, config_of: ConfigOf, column: str) -> None:
    rows = [{"input": f"ask {at}", "output": f"say {at}"} | {column: {"en": f"one {at}"}} for at in range(40)]
    path = write_jsonl(tmp_path / "pairs.jsonl", rows)
    for more in ((), ("data.text_template='{input} {output}'",)):
        with pytest.raises(DataError, match=f"column '{column}' holds an object with en; name a text inside of it"):
            splits_of(config_of, path, *GENERATION, *more)
    key = "text_column" if column == "input" else "target_column"
    assert rows_in(splits_of(config_of, path, *GENERATION, f"data.{key}={column}.en")) == 40


def test_paths_go_through_objects_lists_and_names_with_dots() -> None:
    row: dict[str, Any] = {"a": {"b.c": [{"d": 1}]}, "e.f": {"g": "x"}, "e": 2, "answers": {"text": ["yes"]}}
    assert cell_of(row, "a.b.c.0.d") == 1
    assert cell_of(row, "e.f.g") == "x"
    assert text_of(row, "answers.text.0", *AT) == "yes"
    with pytest.raises(DataError, match=r"no column 'answers\.text\.first' \(data.text_column\)"):
        text_of(row, "answers.text.first", *AT)


def test_a_place_behind_the_end_of_a_list_is_missing() -> None:
    row: dict[str, Any] = {"answers": {"text": [], "start": [3]}}
    assert text_of(row, "answers.text.0", *AT) == ""
    assert cell_of(row, "answers.start.1") is None


def test_a_column_inside_of_an_object_is_proposed() -> None:
    with pytest.raises(DataError, match=r"no column 'title' .* did you mean 'text\.title'\?"):
        text_of({"text": {"title": "a"}}, "title", *AT)


def test_a_header_with_blanks_is_found() -> None:
    assert text_of({" text ": "a"}, "text", *AT) == text_of({"text": "a"}, " text", *AT) == "a"


@pytest.mark.parametrize("value", [None, math.nan, "", " \n", np.float64("nan")])
def test_null_nan_and_blanks_are_missing(value: Any) -> None:
    """An empty text, no labels, and an error where one label is needed."""
    row = {"x": value}
    assert text_of(row, "x", *AT) == ""
    assert labels_of(row, "x", *AT) == ()
    for read in (needed, label_of):
        with pytest.raises(DataError, match="row 1: column 'x' is empty"):
            read(row, "x", *AT)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ([1, 1.0, "1", " 1.0 ", np.int64(1), np.float32(1)], "1"),
        ([True, "True", "TRUE", "true", np.bool_(True)], "true"),
        ([0, -0.0, "0", "-0.0"], "0"),
        ([1.5, "1.5", Decimal("1.5"), Decimal("1.50")], "1.5"),
        (["1.50"], "1.50"),
        (["01", "01"], "01"),
        (["Truer"], "Truer"),
    ],
)
def test_numbers_and_booleans_are_names_in_one_spelling(values: list[Any], name: str) -> None:
    assert {label_of({"x": value}, "x", *AT) for value in values} == {name}
    assert {labels_of({"x": [value]}, "x", *AT) for value in values} == {(name,)}


def test_numbers_as_names_are_the_same_classes_everywhere(tmp_path: Path, config_of: ConfigOf) -> None:
    """In the rows, in `task.labels` and in `task.class_weights`; several spellings are told."""
    rows = [{**row, "label": (1, 1.0, 0, False)[at % 4]} for at, row in enumerate(ROWS)]
    path = write_jsonl(tmp_path / "r.jsonl", rows)
    config = trial_of(config_of, path, "task.labels=[1.0,false,0.0]", "task.class_weights={1: 2.0, 0.0: 1.0}")
    task = task_of(config, splits_of(config_of, path).train)
    assert task.labels == ("1", "false", "0")
    with pytest.raises(ConfigError, match=r"task\.labels names '1' twice"):
        task_of(trial_of(config_of, path, "task.labels=[1,1.0,0,false]"), ())


def test_names_that_yaml_reads_as_booleans_are_told(tmp_path: Path, config_of: ConfigOf) -> None:
    """As a file's unquoted yes and no come: in `task.labels` and in `task.class_weights`."""
    path = write_jsonl(tmp_path / "r.jsonl", [{**row, "label": ("yes", "no")[at % 2]} for at, row in enumerate(ROWS)])
    rows = splits_of(config_of, path).train
    with pytest.raises(DataError, match=r'unquoted no and yes; write labels: \["yes", "no"\]'):
        task_of(trial_of(config_of, path, "task.labels=[true,false]"), rows)
    both = splits_of(
        config_of, write_jsonl(path, [{**row, "label": ("yes", "on")[n % 2]} for n, row in enumerate(ROWS)])
    )
    with pytest.raises(ConfigError, match=r'unquoted on and yes; write labels: \["on", "yes"\]'):
        task_of(trial_of(config_of, path, "task.labels=[true,true]"), both.train)
    with pytest.raises(ConfigError, match=r'class_weights holds true, as .* write class_weights: \{"yes": 2.0\}'):
        task_of(trial_of(config_of, path, "++task.class_weights={true: 2.0}"), rows)


@pytest.mark.parametrize("value", [True, "1", 1, 1.0])
def test_a_number_of_a_pair_may_be_a_boolean(value: Any) -> None:
    assert float(number_of({"x": value}, "x", "row 1", example="1")) == 1.0


@pytest.mark.parametrize("value", ["inf", "-Infinity", math.inf, "1e400", "1e39", "nan"])
def test_a_number_that_is_not_finite_is_told_with_its_row(value: Any) -> None:
    with pytest.raises(DataError, match=r"a.csv, row 7: column 'x' is '.*', which is no finite number of 32 bits"):
        number_of({"x": value}, "x", "a.csv, row 7", example="0.8")


def test_a_class_is_no_infinite_number_and_may_be_called_so() -> None:
    for value in (math.inf, Decimal("-Infinity"), np.float32("inf")):
        with pytest.raises(
            DataError, match=r"a.csv, row 7: column 'x' is -?(inf|Infinity), and a class is a text or a"
        ):
            label_of({"x": value}, "x", "a.csv, row 7", "label_column")
        with pytest.raises(DataError, match=r"a.csv, row 7: column 'x'"):
            labels_of({"x": ["a", value]}, "x", "a.csv, row 7", "label_column")
    assert label_of({"x": "inf"}, "x", "a.csv, row 7", "label_column") == "inf"


@pytest.mark.parametrize(
    "value", [["red", "soft"], "['red', 'soft']", '["soft", "red"]', "('red', 'soft')", "['red' 'soft']", "red, soft"]
)
def test_s2_a_list_that_is_written_as_text_is_a_list(value: Any) -> None:
    assert labels_of({"x": value}, "x", *AT) == ("red", "soft")


def test_s2_the_labels_of_a_written_list(tmp_path: Path, config_of: ConfigOf) -> None:
    lines = [f'{row["text"]},"{[row["label"], "also"]}"' for row in ROWS]
    (tmp_path / "written.csv").write_text("\n".join(["text,label", *lines]))
    splits = splits_of(config_of, tmp_path / "written.csv", "task=multi_label")
    assert {label for row in splits.train for label in row.labels} == {"plus", "minus", "zero", "also"}


@pytest.mark.parametrize("value", ["[red, soft]", "{'red': 1}", {"red": 1}, "[1 0 ... 1]"])
def test_s2_sibling_what_only_looks_like_a_list_is_an_error(value: Any) -> None:
    with pytest.raises(DataError, match=r"row 1: column 'x' is .*, which is no list; write labels as"):
        labels_of({"x": value}, "x", *AT)


@pytest.mark.parametrize("value", [["red"], "['red']", "[1, 2]"])
def test_s2_sibling_a_list_is_not_one_label(value: Any) -> None:
    with pytest.raises(
        DataError, match=r"row 1: column 'x' holds a list, .* where one label belongs; use task=multi_label"
    ):
        label_of({"x": value}, "x", *AT)


def test_s2_sibling_spans_tags_and_chats_may_be_written_as_text(tmp_path: Path, config_of: ConfigOf) -> None:
    """As a CSV file has them."""
    chats = [[{"role": "user", "content": f"ask {at}"}, {"role": "assistant", "content": "say"}] for at in range(40)]
    for name, rows, more in (
        ("spans", [{"text": f"Ann {at}", "label": [{"start": 0, "end": 3.0, "label": "who"}]} for at in range(40)], ()),
        ("tags", [{"text": ["Ann", f"{at}"], "label": ["B-who", "O"]} for at in range(40)], ()),
        ("chats", [{"messages": chat} for chat in chats], ("task=generation",)),
    ):
        kind = more or ("task=extraction", "data.label_column=label")
        found = []
        for dumps in (json.dumps, repr, None):
            path = write_jsonl(
                tmp_path / f"{name}.jsonl",
                [
                    {
                        key: value if dumps is None or isinstance(value, str) else dumps(value)
                        for key, value in row.items()
                    }
                    for row in rows
                ],
            )
            found.append(splits_of(config_of, path, *kind).fingerprint)
        assert len(set(found)) == 1, name


@pytest.mark.parametrize(
    ("value", "labels"),
    [([1, 0, 1], ("a", "c")), ([0.0, 1.0, 0.0], ("b",)), ([False, False, False], ()), ("[0, 0, 1]", ("c",))],
)
def test_ones_and_zeros_are_the_classes_of_task_labels(value: Any, labels: tuple[str, ...]) -> None:
    assert labels_of({"x": value}, "x", *AT, known=["a", "b", "c"]) == labels
    with pytest.raises(
        DataError, match=r"a one or zero for each class, and nothing names the classes; .*task\.labels="
    ):
        labels_of({"x": value}, "x", *AT)


def test_ones_and_zeros_with_other_names_than_classes() -> None:
    with pytest.raises(DataError, match=r"task\.labels has 2 names; name all 3"):
        labels_of({"x": [1, 0, 1]}, "x", *AT, known=["a", "b"])
    assert label_of({"x": [0, 1, 0]}, "x", *AT, known=["a", "b", "c"]) == "b"
    # ids of classes
    assert labels_of({"x": [3, 1]}, "x", *AT) == ("1", "3")


def test_ones_and_zeros_of_two_classes_are_asked_for(tmp_path: Path, config_of: ConfigOf) -> None:
    """`[1, 0]` could be the labels 0 and 1; a column of nothing else has nothing to learn."""
    rows = [{**row, "label": [at % 2, 1 - at % 2]} for at, row in enumerate(ROWS)]
    path = write_jsonl(tmp_path / "r.jsonl", rows)
    splits = splits_of(config_of, path, "task=multi_label")
    with pytest.raises(DataError, match=r"all training rows have the labels 0 and 1 .*task\.labels="):
        task_of(trial_of(config_of, path, "task=multi_label"), splits.train)
    named = splits_of(config_of, path, "task=multi_label", "task.labels=[no,yes]")
    assert {row.labels for row in named.train} == {("no",), ("yes",)}


@pytest.mark.parametrize("value", [10**400, -(10**400)])
def test_a_whole_number_may_be_larger_than_any_float(value: int) -> None:
    assert not is_missing(value)
    assert text_in(value, column="text", where="row 1", key="text_column") == str(value)
