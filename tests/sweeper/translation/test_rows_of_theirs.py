"""What configs of other tools say of rows, and the file that is written, with rows as those tools read them."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra import compose, initialize_config_module

from slimtune.sweeper.cli import main
from slimtune.sweeper.config_file import with_config_file
from slimtune.sweeper.config_values import plain
from slimtune.sweeper.translation.translate import Tool, translate
from slimtune.training.config.trial import parse_trial
from slimtune.training.data.splits import RowSplits
from slimtune.training.tasks.rows import read_splits
from tests.conftest import write_jsonl

ANSWERS = [{"instruction": f"Add {n} and 1", "input": f"n={n}", "output": f"It is {n + 1}"} for n in range(40)]
CHATS = [
    {"messages": [{"role": "user", "content": f"Add {n}"}, {"role": "assistant", "content": f"{n + 1}"}]}
    for n in range(40)
]
TEXTS = [{"body": f"the text number {n}, of its own"} for n in range(40)]
OWN = {"field_instruction": "q", "field_output": "a", "format": "[Q] {instruction} [A] "}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config_store_as_before: None) -> None:
    monkeypatch.chdir(tmp_path)


def imported(config: dict[str, Any], *overrides: str) -> RowSplits:
    """The rows of the file that is written for a config."""
    Path("theirs.yaml").write_text(yaml.safe_dump(config))
    assert main(["import", "theirs.yaml"]) == 0
    with initialize_config_module("slimtune.conf", version_base="1.3"):
        composed = compose("config", [*with_config_file(["--config", "theirs.slimtune.yaml"]), *overrides])
    parsed = parse_trial({name: one for name, one in plain(composed).items() if name in SECTIONS})
    assert parsed.problems == []
    return read_splits(parsed.section)


SECTIONS = ("task", "data", "model", "fit", "method", "tracking")


@pytest.mark.parametrize(
    ("kind", "rows", "text", "label"),
    [
        ("alpaca", ANSWERS, "### Instruction:\nAdd 7 and 1\n\n### Input:\nn=7\n\n### Response:\n", "It is 8"),
        ("chat_template", CHATS, "user: Add 7", "8"),
        ("completion", TEXTS, "the text number 7, of its own", ""),
        (OWN, [{"q": f"Add {n}", "a": str(n + 1)} for n in range(40)], "[Q] Add 7 [A] ", "8"),
    ],
)
def test_axolotl_rows_are_read_as_their_type_says(kind: Any, rows: list[Any], text: str, label: str) -> None:
    path = str(write_jsonl(Path("rows.jsonl"), rows))
    more = {"field": "body"} if kind == "completion" else {}
    splits = imported({"base_model": "a/b", "adapter": "lora", "datasets": [{"path": path, "type": kind, **more}]})
    found = [row for part in splits.named().values() for row in part]
    assert any(row.text.endswith(text) and row.label == label for row in found)


@pytest.mark.parametrize(
    ("kind", "task", "told"),
    [
        ("alpaca", "generation", "task=generation with data.text_template"),
        ("completion", "language_modelling", "data.text_column=text"),
        ("chat_template.default", "generation", "column 'messages'"),
        ("sharegpt:chat", "generation", "rename 'conversations'"),
        ("input_output", "generation", "data.target_column"),
        ("gpteacher", "generation", "data.target_column=response"),
        ("of_my_own", "generation", "data.text_column and data.target_column"),
    ],
)
def test_a_type_names_its_task_and_keys(kind: str, task: str, told: str) -> None:
    found = translate(
        {"datasets": [{"path": "org/set", "type": kind, "split": "train[:9]", "shards": 2}]}, Tool.axolotl
    )
    assert found.choices == {"data": "hub", "task": task}
    assert found.values["data.train_split"] == "train[:9]"
    said = found.left["datasets"]
    assert told in said
    assert f"task={task}" in said
    assert "not taken over of a set: shards" in said


def test_sets_of_several_types_are_told() -> None:
    sets = [{"path": "a.jsonl", "type": "alpaca"}, {"path": "b.jsonl", "type": "completion"}]
    found = translate({"datasets": sets}, Tool.axolotl)
    assert found.values == {"data.train_file": ["a.jsonl", "b.jsonl"]}
    assert "several types" in found.left["datasets"]
    assert "task" in found.open


@pytest.mark.parametrize(
    ("stage", "info", "rows", "text"),
    [
        ("sft", {}, ANSWERS, "Add 7 and 1\nn=7\n"),
        (
            "sft",
            {"columns": {"prompt": "q", "response": "a"}},
            [{"q": f"Add {n}", "a": str(n)} for n in range(40)],
            "Add 7\n",
        ),
        ("sft", {"formatting": "sharegpt"}, CHATS, "user: Add 7"),
        ("pt", {"columns": {"prompt": "body"}}, TEXTS, "the text number 7, of its own"),
        (None, {}, ANSWERS, "Add 7 and 1\nn=7\n"),
    ],
)
def test_llama_factory_sets_are_read_as_their_info_says(
    stage: str | None, info: dict[str, Any], rows: list[Any], text: str
) -> None:
    Path("data").mkdir()
    write_jsonl(Path("data/rows.jsonl"), rows)
    Path("data/dataset_info.json").write_text(json.dumps({"mine": {"file_name": "rows.jsonl", **info}}))
    config = {"model_name_or_path": "a/b", "stage": stage, "finetuning_type": "lora", "dataset": "mine"}
    splits = imported({key: value for key, value in config.items() if value is not None})
    assert text in [row.text for part in splits.named().values() for row in part]


def test_without_their_info_the_forms_of_sets_are_told() -> None:
    told = translate({"stage": "sft", "dataset": "mine"}, Tool.llama_factory).left["dataset"]
    for word in ("data.text_template", "data.target_column", "'messages'", "dataset_info.json"):
        assert word in told


@pytest.mark.parametrize("config", [{"per_device_train_batch_size": 4}, {"stage": "own", "cutoff_len": 9}])
def test_a_config_without_a_task_says_how_to_give_one(
    config: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("theirs.yaml").write_text(yaml.safe_dump(config))
    assert main(["import", "theirs.yaml"]) == 0
    told = capsys.readouterr().out
    assert "task: no key of it says what is learned, so the file is of classification" in told
    assert "override /task: generation" in told
    assert "data.train_file=rows.jsonl" in told


@pytest.mark.parametrize("info", [{}, {"columns": {"prompt": "q", "response": "a"}}])
def test_a_chat_form_that_is_lost_is_told_outright(info: dict[str, Any]) -> None:
    """A model that follows instructions in chats would be trained on plain text."""
    Path("data").mkdir()
    Path("data/dataset_info.json").write_text(json.dumps({"mine": {"file_name": "rows.jsonl", **info}}))
    found = translate({"stage": "sft", "dataset": "mine", "template": "llama3"}, Tool.llama_factory, Path())
    assert "data.text_template" in found.values
    assert "trained without its chat form" in found.left["template"]
    assert "column 'messages'" in found.left["template"]


@pytest.mark.parametrize(("kind", "is_lost"), [("alpaca", True), ("alpaca_chat", True), ("chat_template", False)])
def test_axolotl_chat_templates_are_lost_on_plain_texts(kind: str, is_lost: bool) -> None:
    config = {"datasets": [{"path": "rows.jsonl", "type": kind}], "chat_template": "llama3"}
    told = translate(config, Tool.axolotl).left["chat_template"]
    assert ("trained without its chat form" in told) is is_lost
    assert "'messages'" in told
