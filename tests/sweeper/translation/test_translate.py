"""Configs of other tools, and the file that is written for each."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra import compose, initialize_config_module

from slimtune.sweeper.checks import problems_of
from slimtune.sweeper.cli import main
from slimtune.sweeper.config_file import with_config_file
from slimtune.sweeper.config_values import plain
from slimtune.sweeper.translation.translate import RULES, Tool, tool_of, translate
from tests.sweeper.translation.configs import ALL, LLAMA_FACTORY, TRAINER


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config_store_as_before: None) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("tool", list(Tool))
def test_a_config_shows_whose_it_is(tool: Tool) -> None:
    assert tool_of(ALL[tool]) is tool


@pytest.mark.parametrize(
    ("tool", "choices", "values"),
    [
        (
            Tool.llama_factory,
            {"task": "generation", "method": "lora"},
            {
                "model.name_or_path": "org/a-small-instruct-model",
                "model.trust_remote_code": True,
                "method.r": 8,
                "method.alpha": 16,
                "method.target_modules": ["all-linear"],
                "data.max_length": 2048,
                "data.validation_share": 0.1,
                "search.name": "sft",
                "tracking.log_every": 10,
                "fit.batch_size": 8,
                "fit.micro_batch_size": 1,
                "fit.learning_rate": 1e-4,
                "fit.epochs": 3.0,
                "fit.schedule": "cosine",
                "fit.warmup_share": 0.1,
                "fit.precision": "bf16",
                "fit.eval_batch_size": 1,
                # 500 steps of 8 rows
                "fit.eval_steps": 500,
                "fit.save_steps": 500,
            },
        ),
        (
            Tool.axolotl,
            {"method": "qlora"},
            {
                "model.name_or_path": "org/a-small-model",
                "data.train_file": "rows/pairs.jsonl",
                "data.validation_share": 0.05,
                "search.name": "qlora-out",
                "data.max_length": 1024,
                "method.r": 32,
                "method.alpha": 16,
                "method.dropout": 0.05,
                "method.target_modules": ["all-linear"],
                "fit.batch_size": 8,
                "fit.micro_batch_size": 2,
                "fit.epochs": 4,
                "fit.optimizer": "paged_adamw_8bit",
                "fit.schedule": "cosine",
                "fit.learning_rate": 2e-4,
                "fit.gradient_checkpointing": True,
                "fit.precision": "auto",
                "fit.eval_every": 0.25,
                "fit.weight_decay": 0.0,
            },
        ),
        (
            Tool.trainer,
            {},
            {
                "fit.batch_size": 16,
                "fit.learning_rate": 5e-5,
                "fit.epochs": 2,
                "task.metric": "f1_macro",
                "task.direction": "maximize",
                "tracking.tensorboard": True,
                "fit.max_grad_norm": None,
                "fit.warmup_share": 0.1,
                "fit.max_steps": 500,
                "fit.seed": 42,
            },
        ),
        (
            Tool.olive,
            {"method": "qlora", "task": "generation", "data": "hub", "search/sampler": "tpe"},
            {
                "data.dataset": "org/exercises",
                "model.name_or_path": "org/a-small-model",
                "data.train_split": "train[:4096]",
                "data.eval_split": "train[4096:4224]",
                "data.text_template": "### Question: {prompt}\n### Answer: {response}",
                "method.r": 64,
                "method.alpha": 16,
                "fit.batch_size": 16,
                "fit.max_steps": 150,
                "tracking.log_every": 50,
                "export.variants": ["int8_dynamic", "fp16"],
                "search.n_trials": 5,
                "search.seed": 3,
                "search.name": "exercises",
            },
        ),
    ],
)
def test_each_key_says_here_what_it_says_there(tool: Tool, choices: dict[str, str], values: dict[str, Any]) -> None:
    found = translate(ALL[tool], tool)
    assert found.choices == choices
    assert found.values == values
    assert "not known here" not in found.left.values()


def test_what_cannot_be_said_is_told_by_its_key() -> None:
    assert {"dataset", "template", "max_samples"} == set(translate(LLAMA_FACTORY, Tool.llama_factory).left)
    left = translate({**TRAINER, "own_key": 3}, Tool.trainer).left
    assert left["own_key"] == "not known here"
    assert left["lr_scheduler_type"] == "fit.schedule has no such value; left at its own"
    assert "comet_ml" in left["report_to"]


@pytest.mark.parametrize("tool", list(Tool))
def test_the_file_that_is_written_composes(tool: Tool, capsys: pytest.CaptureFixture[str]) -> None:
    """With rows of one's own, where the other config names none that lie here."""
    suffix = "json" if tool is Tool.olive else "yaml"
    text = json.dumps(ALL[tool]) if tool is Tool.olive else yaml.safe_dump(ALL[tool])
    Path(f"theirs.{suffix}").write_text(text)
    assert main(["import", f"theirs.{suffix}"]) == 0
    assert "next: slimtune check --config theirs.slimtune.yaml" in capsys.readouterr().out
    with initialize_config_module("slimtune.conf", version_base="1.3"):
        rows = ["data.target_column=response", *(["data.train_file=rows.jsonl"] if tool is not Tool.olive else [])]
        config = compose("config", [*with_config_file(["--config", "theirs.slimtune.yaml"]), *rows])
    assert problems_of(plain(config)) == []


@pytest.mark.parametrize(
    ("text", "arguments", "told"),
    [
        ("a: 1", (), "name the tool with --from"),
        ("- a", (), "holds no keys"),
        ("a: [", (), "neither YAML nor JSON"),
        (None, (), "name a config file"),
        ("learning_rate: fast", ("--from", "trainer"), "learning_rate is 'fast', which cannot be read"),
    ],
)
def test_what_is_no_config_is_told_and_nothing_is_written(
    text: str | None, arguments: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if text is not None:
        Path("theirs.yaml").write_text(text)
    assert main(["import", "theirs.yaml", *arguments]) == 2
    assert told in capsys.readouterr().err
    assert not Path("theirs.slimtune.yaml").exists()


def test_every_rule_speaks_of_keys_that_there_are() -> None:
    """Of any value that the key may have."""
    with initialize_config_module("slimtune.conf", version_base="1.3"):
        configs = [compose("config", words) for words in ([], ["method=full"], ["method=qlora"], ["task=generation"])]
    sections = [plain(config) for config in configs]
    for tool, rules in RULES.items():
        for name, rule in rules.items():
            for value in (True, "1", 1, "all", ["a"], {"type": "a"}):
                try:
                    said = rule(value, {name: value})
                except (TypeError, ValueError):
                    continue
                for key in said.values:
                    section, _, inner = key.partition(".")
                    assert any(inner in one[section] for one in sections), (tool, name, key)
