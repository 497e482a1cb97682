"""A config of another tool as choices, values, and what is left to say."""

import json
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from slimtune.sweeper.translation import axolotl, llama_factory, llama_factory_sets, olive
from slimtune.sweeper.translation.chat_forms import WITHOUT, lost_forms
from slimtune.sweeper.translation.held_out_rows import told_at, told_sentence
from slimtune.sweeper.translation.said import Rule, Said, Values
from slimtune.sweeper.translation.trainer_arguments import trainer_rules
from slimtune.sweeper.yaml_faults import yaml_fault
from slimtune.training.errors import DataError, UserError


class Tool(Enum):
    """Whose config it is."""

    llama_factory = "llama-factory"
    axolotl = "axolotl"
    trainer = "trainer"
    olive = "olive"


RULES: Mapping[Tool, Mapping[str, Rule]] = {
    Tool.llama_factory: llama_factory.RULES,
    Tool.axolotl: axolotl.RULES,
    Tool.trainer: {**trainer_rules(), "model_name_or_path": llama_factory.RULES["model_name_or_path"]},
    Tool.olive: olive.RULES,
}
FLAT: Mapping[Tool, Callable[[Values], dict[str, Any]]] = {Tool.olive: olive.flattened}
BESIDE: Mapping[Tool, Callable[[Values, Path], dict[str, Any]]] = {Tool.llama_factory: llama_factory_sets.known_sets}
TASK = (
    "no key of it says what is learned, so the file is of classification; name another under defaults, as "
    "'- override /task: generation' (docs/tasks.md has them all)"
)
ROWS = (
    "no key of it says where the rows lie: give data.train_file=rows.jsonl and the names of its columns "
    "(data.text_column, and data.label_column of classes or data.target_column of answers)"
)
# keys that only one of them has
SIGNS = {
    Tool.olive: {"input_model", "passes"},
    Tool.llama_factory: {"finetuning_type", "stage", "cutoff_len", "dataset_dir", "template"},
    Tool.axolotl: {"base_model", "sequence_len", "micro_batch_size", "num_epochs"},
    Tool.trainer: {"per_device_train_batch_size", "num_train_epochs", "lr_scheduler_type"},
}


class Translation(NamedTuple):
    """What a config says here.

    Attributes:
        tool: Whose it is.
        choices: Options of config groups.
        values: Values of keys.
        left: What could not be said, or needs a look, by their key.
        taken: Keys of theirs that choices and values say.
        anyway: What is so here without a word, and how, by their key.
        open: What no key of theirs says, by the key of ours that does.
    """

    tool: Tool
    choices: dict[str, str]
    values: dict[str, Any]
    left: dict[str, str]
    taken: list[str]
    anyway: dict[str, str]
    open: dict[str, str]


def foreign_config(path: Path) -> dict[str, Any]:
    """A YAML or JSON file.

    Raises:
        UserError: It is neither, or no mapping.
    """
    text = ""
    try:
        text = path.read_text(encoding="utf-8")
        found = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}; name a config file") from error
    except (yaml.YAMLError, ValueError) as error:
        is_marked = isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None
        fault = yaml_fault(error, text) if is_marked else " ".join(str(error).split())[:200]
        raise DataError(f"{path} is neither YAML nor JSON: {fault}") from error
    if not isinstance(found, dict):
        raise DataError(f"{path} holds no keys with values; name a config file of another tool")
    return {str(name): value for name, value in found.items()}


def tool_of(config: Values) -> Tool:
    """Whose config it is, by its keys.

    Raises:
        UserError: Nobody's that is known.
    """
    counts = {tool: len(signs & config.keys()) for tool, signs in SIGNS.items()}
    best = max(counts, key=lambda tool: counts[tool])
    if not counts[best]:
        known = ", ".join(tool.value for tool in Tool)
        raise UserError(f"no key of it is one of {known}; name the tool with --from, or see docs/coming-from.md")
    return best


def translate(config: Values, tool: Tool, folder: Path | None = None) -> Translation:
    """What the config says here; `folder` is where it lies, with files that say more."""
    flat = FLAT[tool](config) if tool in FLAT else dict(config)
    found = Translation(tool, {}, {}, {}, [], {}, {})
    said_by: dict[str, str] = {}
    beside = BESIDE[tool](config, folder) if folder is not None and tool in BESIDE else {}
    for name, value in flat.items():
        rule = RULES[tool].get(name)
        if value is None:
            found.anyway[name] = "nothing is set there"
        elif rule is None:
            found.left[name] = "not known here"
        else:
            _take(found, name, _said(rule, value, {**flat, **beside}, name), said_by)
            if name not in found.taken and name not in found.left:
                found.anyway.setdefault(name, f"{json.dumps(value, default=str)} asks for nothing that is not so here")
    found.open.update(_open(found))
    for name in told_at(found.values, said_by, found.left):
        _told_too(found, name, told_sentence())
    found.left.update(dict.fromkeys(lost_forms(found.values, found.left), WITHOUT))
    return found


def _take(found: Translation, name: str, said: Said, said_by: dict[str, str]) -> None:
    """What one key says; of two that say the same key, the later one counts."""
    if said.told is not None:
        found.left[name] = said.told
    if said.anyway is not None:
        found.anyway[name] = said.anyway
    if said.choices or said.values:
        found.taken.append(name)
    found.choices.update(said.choices)
    for key, one in said.values.items():
        if key == "export.variants" and key in found.values:
            one = [*found.values[key], *one]
        elif key in found.values and found.values[key] != one:
            _told_too(found, said_by[key], f"{key} is what {name} says of it")
        found.values[key] = one
        said_by[key] = name


def _told_too(found: Translation, name: str, why: str) -> None:
    found.left[name] = "; ".join([*([found.left[name]] if name in found.left else []), why])


def _open(found: Translation) -> dict[str, str]:
    """What a trial needs, and theirs does not say."""
    lacks = {}
    if "task" not in found.choices:
        lacks["task"] = TASK
    if not {"data.train_file", "data.dataset"} & found.values.keys():
        lacks["data"] = ROWS
    return lacks


def _said(rule: Rule, value: Any, flat: Values, name: str) -> Said:
    try:
        return rule(value, flat)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise UserError(f"{name} is {value!r:.60}, which cannot be read: {error}") from error
