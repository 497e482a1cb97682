"""Configs of other tools, as their own tutorials write them."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra import compose, initialize_config_module
from hydra.core.config_store import ConfigStore
from transformers import TrainingArguments

from slimtune.sweeper.checks import problems_of
from slimtune.sweeper.cli import main
from slimtune.sweeper.config_file import with_config_file
from slimtune.sweeper.config_values import plain
from slimtune.sweeper.translation.trainer_arguments import USUAL_STEPS
from slimtune.sweeper.translation.translate import RULES, Tool, tool_of, translate

LLAMA_FACTORY = {
    "model_name_or_path": "org/a-small-instruct-model",
    "trust_remote_code": True,
    "stage": "sft",
    "do_train": True,
    "finetuning_type": "lora",
    "lora_rank": 8,
    "lora_alpha": 16,
    "lora_target": "all",
    "dataset": "identity,alpaca_en_demo",
    "template": "llama3",
    "cutoff_len": 2048,
    "max_samples": 1000,
    "preprocessing_num_workers": 16,
    "output_dir": "saves/a-small-model/lora/sft",
    "logging_steps": 10,
    "save_steps": 500,
    "plot_loss": True,
    "per_device_train_batch_size": 1,
    "gradient_accumulation_steps": 8,
    "learning_rate": "1.0e-4",
    "num_train_epochs": 3.0,
    "lr_scheduler_type": "cosine",
    "warmup_ratio": 0.1,
    "bf16": True,
    "ddp_timeout": 180000000,
    "val_size": 0.1,
    "per_device_eval_batch_size": 1,
    "eval_strategy": "steps",
    "eval_steps": 500,
}
AXOLOTL = {
    "base_model": "org/a-small-model",
    "load_in_4bit": True,
    "strict": False,
    "datasets": [{"path": "rows/pairs.jsonl", "type": "alpaca"}],
    "val_set_size": 0.05,
    "output_dir": "./outputs/qlora-out",
    "adapter": "qlora",
    "sequence_len": 1024,
    "sample_packing": True,
    "lora_r": 32,
    "lora_alpha": 16,
    "lora_dropout": 0.05,
    "lora_target_linear": True,
    "gradient_accumulation_steps": 4,
    "micro_batch_size": 2,
    "num_epochs": 4,
    "optimizer": "paged_adamw_8bit",
    "lr_scheduler": "cosine",
    "learning_rate": 0.0002,
    "bf16": "auto",
    "gradient_checkpointing": True,
    "warmup_steps": 10,
    "evals_per_epoch": 4,
    "weight_decay": 0.0,
    "special_tokens": {"pad_token": "<pad>"},
}
TRAINER = {
    "per_device_train_batch_size": 16,
    "learning_rate": 5e-5,
    "num_train_epochs": 2,
    "lr_scheduler_type": "polynomial",
    "metric_for_best_model": "eval_f1_macro",
    "greater_is_better": True,
    "report_to": ["tensorboard", "comet_ml"],
    "max_grad_norm": 0,
    "warmup_steps": 50,
    "max_steps": 500,
    "seed": 42,
}
OLIVE = {
    "input_model": {"type": "HfModel", "model_path": "org/a-small-model"},
    "data_configs": [
        {
            "name": "code",
            "load_dataset_config": {"data_name": "org/exercises", "split": "train[:4096]"},
            "pre_process_data_config": {"text_template": "### Question: {prompt}\n### Answer: {response}"},
        },
        {"name": "held", "load_dataset_config": {"data_name": "org/exercises", "split": "train[4096:4224]"}},
    ],
    "passes": {
        "f": {
            "type": "QLoRA",
            "r": 64,
            "alpha": 16,
            "train_data_config": "code",
            "training_args": {"per_device_train_batch_size": 16, "max_steps": 150, "logging_steps": 50},
        },
        "c": {"type": "OnnxConversion"},
        "q": {"type": "OnnxDynamicQuantization"},
        "h": {"type": "OnnxFloatToFloat16"},
        "e": {"type": "ExtractAdapters"},
    },
    "search_strategy": {"execution_order": "joint", "sampler": "tpe", "max_samples": 5, "seed": 3},
    "output_dir": "models/exercises",
}
BY_STEPS = {"eval_strategy": "steps"}
ALL = {Tool.llama_factory: LLAMA_FACTORY, Tool.axolotl: AXOLOTL, Tool.trainer: TRAINER, Tool.olive: OLIVE}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = dict(ConfigStore.instance().repo)
    monkeypatch.chdir(tmp_path)
    yield
    ConfigStore.instance().repo = before


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


@pytest.mark.parametrize(
    ("given", "values", "told"),
    [
        ({**BY_STEPS, "eval_steps": 50, "save_steps": 100}, {"fit.eval_steps": 50, "fit.save_steps": 100}, []),
        ({"evaluation_strategy": "steps", "eval_steps": 50}, {"fit.eval_steps": 50}, []),
        ({**BY_STEPS, "eval_steps": 40, "save_steps": 100}, {"fit.eval_steps": 40}, ["save_steps"]),
        ({**BY_STEPS, "eval_steps": 0.1, "save_steps": 100}, {}, ["eval_steps", "save_steps"]),
        # steps of the log where none are named, 500 where it has none
        ({**BY_STEPS, "save_steps": 500}, {"fit.eval_steps": 500, "fit.save_steps": 500}, []),
        (
            {**BY_STEPS, "logging_steps": 20, "save_steps": 30},
            {"tracking.log_every": 20, "fit.eval_steps": 20},
            ["save_steps"],
        ),
        # the Trainer does not evaluate, and saves, unless it is told
        ({"save_steps": 100}, {}, ["save_steps"]),
        ({"eval_steps": 50, "save_steps": 100}, {}, ["eval_steps", "save_steps"]),
        ({"eval_strategy": "no", "save_steps": 500}, {}, ["save_steps"]),
        ({"eval_strategy": False, "eval_steps": 50}, {}, ["eval_steps"]),
        ({"eval_strategy": "epoch", "eval_steps": 50}, {}, ["eval_steps"]),
        ({"eval_strategy": "epoch", "save_steps": 100}, {}, ["save_steps"]),
        *(
            (
                {**BY_STEPS, "eval_steps": 50, "save_strategy": strategy, "save_steps": 500},
                {"fit.eval_steps": 50},
                ["save_steps"],
            )
            for strategy in ("no", False, "epoch", "best")
        ),
        ({"save_strategy": "no", "save_steps": 500}, {}, ["save_steps"]),
        ({"save_steps": 0}, {}, []),
    ],
)
@pytest.mark.parametrize("tool", [Tool.trainer, Tool.llama_factory, Tool.olive])
def test_steps_between_evaluations_and_kept_checkpoints_are_steps_here(
    tool: Tool, given: dict[str, Any], values: dict[str, Any], told: list[str]
) -> None:
    """A checkpoint that would have no scores is told instead."""
    found = translate(
        {"passes": {"a": {"type": "LoRA", "training_args": given}}} if tool is Tool.olive else given, tool
    )
    assert found.values == values
    assert list(found.left) == told


@pytest.mark.parametrize(
    ("given", "values", "told"),
    [
        ({"eval_steps": 50, "save_steps": 100}, {"fit.eval_steps": 50, "fit.save_steps": 100}, []),
        ({"save_steps": 100}, {}, ["save_steps"]),
        ({"evals_per_epoch": 4, "save_steps": 100}, {"fit.eval_every": 0.25}, ["save_steps"]),
        ({"eval_strategy": "epoch", "eval_steps": 50}, {}, ["eval_steps"]),
        ({"save_strategy": "no", "save_steps": 500}, {}, ["save_steps"]),
    ],
)
def test_axolotl_evaluates_by_steps_where_it_has_a_number_of_them(
    given: dict[str, Any], values: dict[str, Any], told: list[str]
) -> None:
    found = translate(given, Tool.axolotl)
    assert found.values == values
    assert list(found.left) == told


def test_usual_strategies_are_those_of_the_trainer() -> None:
    usual = {field.name: field.default for field in dataclasses.fields(TrainingArguments)}
    assert (usual["eval_strategy"], usual["save_strategy"], usual["eval_steps"]) == ("no", "steps", None)
    assert usual["logging_steps"] == USUAL_STEPS
