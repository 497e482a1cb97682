"""Overrides that give a list, a mapping or one value where the config has another kind of these."""

from collections.abc import Iterator, Mapping
from typing import Any

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, ListConfig, OmegaConf

from slimtune.sweeper.config_values import CHOICES, known_keys
from slimtune.sweeper.space.override_text import override_value
from slimtune.sweeper.space.read_space import read_space
from slimtune.training.config.dotted_keys import key_suggestion
from slimtune.training.config.schema import option_suggestion
from slimtune.training.config.value_repairs import as_list

SPACE = "space."


def kind_problems(config: DictConfig, item: Override) -> list[str]:
    """What is wrong with an override that Hydra would not merge into the config.

    Args:
        config: With the options that were chosen.
        item: Any; one that sweeps, deletes or chooses an option has none.
    """
    key, value = item.key_or_group, item.value()
    if item.is_sweep_override() or item.is_delete() or key.startswith("hydra") or not isinstance(value, Mapping | list):
        return []
    node = OmegaConf.select(config, key, throw_on_missing=False)
    if key.startswith(SPACE):
        return read_space({key.removeprefix(SPACE): _merged(node, value)}).problems
    if isinstance(node, ListConfig) and isinstance(value, Mapping):
        return [f"{key} is {override_value(value)}, and it is a list; write {as_list(key, value)}"]
    # a section's own name chooses options
    if isinstance(node, DictConfig) and isinstance(value, list) and "." in key:
        return [f"{key} is {override_value(value)}; {_inner(key, node)}"]
    if isinstance(node, DictConfig) and isinstance(value, Mapping) and OmegaConf.is_struct(config):
        return list(_unknown(config, key, value))
    return []


def _unknown(config: DictConfig, key: str, value: Mapping[str, Any]) -> Iterator[str]:
    known = known_keys(config)
    for name, inner in value.items():
        full = f"{key}.{name}"
        if full not in known:
            yield f"{full} is not a key; {key_suggestion(full, known)}"
        elif isinstance(inner, Mapping) and isinstance(OmegaConf.select(config, full), DictConfig):
            yield from _unknown(config, full, inner)


def _merged(node: Any, value: Any) -> Any:
    """The dimension with what Hydra keeps of the one before."""
    has_both = isinstance(node, DictConfig) and isinstance(value, Mapping)
    return {**node, **value} if has_both else value


def _inner(key: str, node: DictConfig) -> str:
    if key in CHOICES:
        group = key.replace(".", "/")
        return f"choose with {group}=..., {option_suggestion('', CHOICES[key])}"
    return f"it has keys of its own, e.g. {key}.{next(map(str, node), 'name')}=..."
