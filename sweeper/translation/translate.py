"""A config of another tool as choices, values, and what is left to say."""

import json
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from slimtune.sweeper.translation import axolotl, llama_factory, olive
from slimtune.sweeper.translation.said import Rule, Values
from slimtune.sweeper.translation.trainer_arguments import trainer_rules
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
    """

    tool: Tool
    choices: dict[str, str]
    values: dict[str, Any]
    left: dict[str, str]


def foreign_config(path: Path) -> dict[str, Any]:
    """A YAML or JSON file.

    Raises:
        UserError: It is neither, or no mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
        found = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}; name a config file") from error
    except (yaml.YAMLError, ValueError) as error:
        raise DataError(f"{path} is neither YAML nor JSON: {' '.join(str(error).split())[:200]}") from error
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


def translate(config: Values, tool: Tool) -> Translation:
    """What the config says here."""
    flat = FLAT[tool](config) if tool in FLAT else dict(config)
    found = Translation(tool, {}, {}, {})
    for name, value in flat.items():
        rule = RULES[tool].get(name)
        if rule is None:
            found.left[name] = "not known here"
            continue
        if value is None:
            continue
        said = _said(rule, value, flat, name)
        found.choices.update(said.choices)
        for key, one in said.values.items():
            both = isinstance(one, list) and key in found.values and key == "export.variants"
            found.values[key] = [*found.values[key], *one] if both else one
        if said.told is not None:
            found.left[name] = said.told
    return found


def _said(rule: Rule, value: Any, flat: Values, name: str) -> Any:
    try:
        return rule(value, flat)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise UserError(f"{name} is {value!r:.60}, which cannot be read: {error}") from error
