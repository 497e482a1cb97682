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
from slimtune.sweeper.hydra_app.flag_problems import KEYS
from slimtune.sweeper.translation.axolotl_datasets import TEMPLATES
from slimtune.sweeper.translation.translate import FLAT, RULES, Tool, tool_of, translate
from slimtune.training.config.other_names import OTHER_KEYS
from slimtune.training.errors import UserError
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
            {"method": "qlora", "task": "generation"},
            {
                "model.name_or_path": "org/a-small-model",
                "data.train_file": "rows/pairs.jsonl",
                "data.text_template": TEMPLATES["alpaca"],
                "data.target_column": "output",
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
    assert {"dataset", "template", "max_samples", "val_size"} == set(translate(LLAMA_FACTORY, Tool.llama_factory).left)
    left = translate({**TRAINER, "own_key": 3}, Tool.trainer).left
    assert left["own_key"] == "not known here"
    assert "is no value of fit.schedule, which knows" in left["lr_scheduler_type"]
    assert "linear" in left["lr_scheduler_type"]
    assert "comet_ml" in left["report_to"]


@pytest.mark.parametrize("tool", list(Tool))
def test_every_key_is_taken_over_told_or_so_anyway(tool: Tool) -> None:
    """Also those that nobody knows, and those that are null."""
    config = {**ALL[tool], "own_key": 3, "another_key": None}
    found = translate(config, tool)
    keys = FLAT[tool](config) if tool in FLAT else config
    assert {*found.taken} | found.left.keys() | found.anyway.keys() == keys.keys()
    assert not {*found.taken} & found.anyway.keys()
    assert "own_key" in found.left
    assert all(found.anyway.values())


# a step's rows are those of a pass times this, which no key says here; and words that say nothing without their section
SAYS_ANOTHER = {"gradient_accumulation_steps", "type"}


def test_hints_know_every_key_that_import_takes_over_by_another_name() -> None:
    """One that is written on the command line, or in a file of ours, is told what it is here."""
    ours = {key.rpartition(".")[2] for key in KEYS}
    for tool, rules in RULES.items():
        for name, rule in rules.items():
            for value in (True, "1", 1, 0.5, "lora", "sft", "int8"):
                try:
                    said = rule(value, {name: value})
                except (TypeError, ValueError, UserError):
                    continue
                keys = {*said.values, *said.choices}
                if keys and "." not in name and name not in {*ours, *SAYS_ANOTHER}:
                    assert OTHER_KEYS.get(name) in keys, (tool, name, keys)


@pytest.mark.parametrize("tool", [tool for tool in Tool if tool is not Tool.olive])
def test_every_rule_leaves_a_trace_of_any_value(tool: Tool) -> None:
    for name in RULES[tool]:
        for value in (True, False, "no", 1, 0, None):
            try:
                found = translate({name: value}, tool)
            except UserError:
                continue
            assert {*found.taken} | found.left.keys() | found.anyway.keys() == {name}, (name, value)


def test_keys_of_sections_are_not_lost() -> None:
    """Of models, passes and sets of rows."""
    sets = [{"name": "a", "load_dataset_config": {"data_name": "org/a", "split": "train"}, "own": 1}]
    other = {"name": "b", "load_dataset_config": {"data_name": "org/b", "split": "test"}}
    passes = {"q": {"type": "OnnxMatMul4Quantizer", "block_size": 16}}
    found = translate({"data_configs": [*sets, other], "passes": passes}, Tool.olive)
    told = {"data.own", "data_configs.2.data_name", "data_configs.2.split", "passes.onnxmatmul4quantizer.block_size"}
    assert told <= found.left.keys()


def test_of_two_keys_that_say_the_same_the_one_that_is_passed_over_is_told() -> None:
    found = translate({"output_dir": "out/a", "run_name": "b"}, Tool.trainer)
    assert found.values == {"search.name": "b"}
    assert found.left == {"output_dir": "search.name is what run_name says of it"}


def test_steps_to_a_batch_count_where_the_rows_of_a_pass_are_not_named() -> None:
    found = translate({"gradient_accumulation_steps": 4}, Tool.trainer)
    assert found.values == {"fit.batch_size": 32}
    assert "8 rows" in found.left["gradient_accumulation_steps"]


@pytest.mark.parametrize("tool", [Tool.llama_factory, Tool.axolotl, Tool.trainer])
@pytest.mark.parametrize("value", ["none", ["none"]])
def test_without_a_tracker_the_registry_is_told_to_be_missing(tool: Tool, value: Any) -> None:
    found = translate({"report_to": value}, tool)
    assert found.choices == {"tracking": "none"}
    assert "nothing is logged or registered" in found.left["report_to"]


@pytest.mark.parametrize(
    ("tool", "config", "name"),
    [
        (Tool.axolotl, {"val_set_size": 0.1}, "val_set_size"),
        (Tool.axolotl, {"val_set_size": 0}, "val_set_size"),
        (Tool.llama_factory, {"val_size": 0.1}, "val_size"),
        (Tool.llama_factory, {"val_size": 500}, "val_size"),
        (Tool.llama_factory, {"eval_dataset": "held"}, "eval_dataset"),
        (Tool.olive, ALL[Tool.olive], "data.eval_split"),
    ],
)
def test_rows_for_the_test_are_told_where_theirs_speaks_of_validation(
    tool: Tool, config: dict[str, Any], name: str
) -> None:
    """They train on what is left of validation, and here the test takes more."""
    told = translate(config, tool).left[name]
    assert "15 % more of the rows are held out for the winner's test; data.test_share: 0" in told
    assert "no test scores" in told


@pytest.mark.parametrize(
    "config",
    [
        *({"stage": stage, "cutoff_len": 9} for stage in ("dpo", "kto", "rm", "PPO")),
        *({"rl": kind, "base_model": "a/b"} for kind in ("dpo", "grpo", "orpo")),
        {"reward_model": True, "base_model": "a/b"},
        {"beta": 0.1, "num_train_epochs": 1},
        {"num_generations": 8, "num_train_epochs": 1},
    ],
)
def test_learning_by_preference_is_refused_and_nothing_is_written(
    config: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("theirs.yaml").write_text(yaml.safe_dump(config))
    assert main(["import", "theirs.yaml"]) == 2
    key, value = next(iter(config.items()))
    assert f"{key} is {value}; preferences and rewards are not learned here" in " ".join(
        capsys.readouterr().err.split()
    )
    assert not Path("theirs.slimtune.yaml").exists()


def test_no_preference_is_none() -> None:
    assert translate({"rl": None, "reward_model": False, "base_model": "a"}, Tool.axolotl).left == {}


def test_the_command_counts_the_keys_that_it_takes_over(capsys: pytest.CaptureFixture[str]) -> None:
    Path("theirs.yaml").write_text("base_model: a\nflash_attention: true\ntf32: true\nown: 1\nnum_epochs: 2\n")
    assert main(["import", "theirs.yaml"]) == 0
    told = capsys.readouterr().out
    assert "a config of axolotl: 2 of 5 keys taken over" in told
    for text in (told, Path("theirs.slimtune.yaml").read_text().replace("# ", "")):
        assert "not taken over:\n  tf32: float32 is computed in full" in text
        assert "so here anyway:\n  flash_attention: model.attention=auto" in text
        assert "not said by any key of it:\n  task: " in text


@pytest.mark.parametrize("tool", list(Tool))
def test_the_file_that_is_written_composes(tool: Tool, capsys: pytest.CaptureFixture[str]) -> None:
    """With rows of one's own, where the other config names none that lie here."""
    suffix = "json" if tool is Tool.olive else "yaml"
    text = json.dumps(ALL[tool]) if tool is Tool.olive else yaml.safe_dump(ALL[tool])
    Path(f"theirs.{suffix}").write_text(text)
    assert main(["import", f"theirs.{suffix}"]) == 0
    assert "next: slimtune check --config theirs.slimtune.yaml" in capsys.readouterr().out
    with initialize_config_module("slimtune.conf", version_base="1.3"):
        answers = ["data.target_column=response"] if tool is not Tool.axolotl else []
        rows = [*answers, *(["data.train_file=rows.jsonl"] if tool is not Tool.olive else [])]
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
                except (TypeError, ValueError, UserError):
                    continue
                for key in said.values:
                    section, _, inner = key.partition(".")
                    assert any(inner in one[section] for one in sections), (tool, name, key)
