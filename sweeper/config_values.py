"""Plain values from Hydra's composed config."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from slimtune.export.config import EXPORTS
from slimtune.sweeper.interpolations import interpolation_problems
from slimtune.sweeper.pruner_config import PRUNERS
from slimtune.sweeper.sampler_config import SAMPLERS
from slimtune.training.config.dotted_keys import as_levels
from slimtune.training.config.method import METHODS
from slimtune.training.config.near_names import plain_name
from slimtune.training.config.other_names import OTHER_KEYS, key_called_otherwise
from slimtune.training.config.schema import key_of_another, suggestion
from slimtune.training.config.task import TASK_SECTIONS, known_direction
from slimtune.training.errors import ConfigError

# the config of every command
CONFIG_MODULE, CONFIG_NAME, VERSION_BASE = "slimtune.conf", "config", "1.3"


def _direction_of(score: Any) -> str | None:
    way = known_direction(score)
    return None if way is None else way.value


# `${slimtune.direction:<score>}` is which way a score of ours is better, and null of all others
OmegaConf.register_new_resolver("slimtune.direction", _direction_of, replace=True)

# what a config of slimtune has at its top
SECTIONS = ("task", "data", "model", "fit", "method", "space", "search", "tracking", "export", "promotion")
# names of older files, and what a file without a package makes of itself
REPAIRS = {
    "search_strategy": "put it into a file of its own beside search_space, and name that: space=file space.path=...",
    "search_space": "put it into a file of its own, and name that: space=file space.path=...",
    "experiment": "begin the file with the line '# @package _global_'",
    "preset": "begin the file with the line '# @package _global_'",
}
# keys that one option alone has
NEEDS_OPTION = {"space.path": "the space of a file takes both, space=file space.path=..."}
# what others call the keys of LoRA begins so
OF_LORA = "lora_"
# sections of which one is chosen by its name
CHOICES: Mapping[str, Mapping[str, type]] = {
    "task": TASK_SECTIONS,
    "method": METHODS,
    "export": EXPORTS,
    "search.sampler": SAMPLERS,
    "search.pruner": PRUNERS,
}


def unread_keys(config: DictConfig) -> list[str]:
    """Problems of keys at the config's top that no section has, and that no other value is taken from."""
    unknown = [str(key) for key in config if key not in (*SECTIONS, "hydra")]
    return [f"{key} is not a key of the config; {_repair(key, config)}" for key in unknown if not _is_used(config, key)]


def _repair(key: str, config: DictConfig) -> str:
    section, _, rest = key.partition(".")
    if section in SECTIONS and rest:
        return f"a file has keys one below the other: {as_levels(key, '...')}"
    known = [one for one in known_keys(config) if one.partition(".")[0] in SECTIONS and not one.startswith("space.")]
    meant = key_called_otherwise(key, known) or [one for one in known if one.rpartition(".")[2] == key]
    asked = f"did you mean {' or '.join(map(repr, sorted(meant)))}?" if meant else None
    return REPAIRS.get(key) or asked or suggestion(key, SECTIONS)


def _is_used(config: DictConfig, key: str) -> bool:
    """Whether another key is interpolated from it."""
    others = OmegaConf.masked_copy(config, [str(name) for name in config if str(name) != key])
    found = re.findall(r"\$\{([^{}]*)\}", OmegaConf.to_yaml(others))
    return any(key in re.split(r"[^\w-]+", inner) for inner in found)


def key_repair(key: str, known: Iterable[str], configs: Iterable[DictConfig]) -> str:
    """What to do about a key that configs lack: choose what has it, or write the one that was meant.

    Args:
        key: The key, dotted.
        known: The keys of the configs.
        configs: With the options that were chosen.
    """
    if key in NEEDS_OPTION:
        return NEEDS_OPTION[key]
    configs = list(configs)
    for full in _in_full(key, known := set(known)):
        if full in known:
            return f"did you mean '{full}'?"
        prefix, _, name = full.rpartition(".")
        chosen = dict.fromkeys(str(OmegaConf.select(config, f"{prefix}.name")) for config in configs)
        choices = CHOICES.get(prefix, {})
        if set(chosen) <= set(choices) and (other := key_of_another(name, [*chosen], choices, prefix)):
            return other
    return suggestion(key, known)


def _in_full(key: str, known: set[str]) -> list[str]:
    """What a short name may mean: `lora_r` is `method.r`, and `r` is a key of some section."""
    if "." in key:
        return [key]
    if plain_name(key) in OTHER_KEYS:
        return [OTHER_KEYS[plain_name(key)]]
    if key.startswith(OF_LORA):
        return [f"method.{key.removeprefix(OF_LORA)}"]
    is_elsewhere = any(one.rpartition(".")[2] == key for one in known)
    return [] if is_elsewhere else [f"{prefix}.{key}" for prefix in CHOICES]


def with_values(config: DictConfig, values: Mapping[str, Any], loader: ConfigLoader) -> DictConfig | None:
    """The app's part of the config with other values, or None if that takes composing anew.

    Composing takes a tenth of a second. It is needed for an option of a config group and for a list, a mapping or a
    quoted text, which stand as their text in Hydra's grammar.
    """
    for key, value in values.items():
        is_written = isinstance(value, str) and value.startswith(("[", "{", "'", '"'))
        if is_written or is_group(loader, key):
            return None
    own = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
    for key, value in values.items():
        OmegaConf.update(own, key.lstrip("+"), value, force_add=True)
    return own


@lru_cache(maxsize=256)
def is_group(loader: ConfigLoader, key: str) -> bool:
    """Whether a key is a config group. Hydra lists the search path's folders for it, 5 ms for a key, and every trial
    asks for the same keys.
    """
    return bool(loader.get_group_options(key.lstrip("+").partition("@")[0]))


def plain(config: DictConfig) -> dict[str, Any]:
    """The app's part of the config, interpolations resolved; missing values stay `???`.

    Raises:
        ConfigError: Interpolations that lead nowhere, all of them.
    """
    own = config
    if "hydra" in config:
        own = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
    try:
        values: dict[str, Any] = OmegaConf.to_container(own, resolve=True)  # type: ignore[assignment]
    except (OmegaConfBaseException, HydraException) as error:
        told = interpolation_problems(own)
        raise ConfigError(list(told.values()) or [str(error).splitlines()[0]]) from error
    return values


def plain_or_raw(config: DictConfig) -> dict[str, Any]:
    """As `plain`, but interpolations that lead nowhere yet stay as they are: an app may ask Hydra for its job."""
    try:
        return plain(config)
    except ConfigError:
        own = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
        values: dict[str, Any] = OmegaConf.to_container(own, resolve=False)  # type: ignore[assignment]
        return values


def value_at(key: str, values: Any) -> Any:
    """The value of a dotted key in mappings and sections; None where there is none."""
    for part in key.lstrip("+").split("."):
        values = values.get(part) if isinstance(values, Mapping) else getattr(values, part, None)
    return values


def known_keys(config: Any, prefix: str = "") -> set[str]:
    """Every key of a config, dotted."""
    keys: set[str] = set()
    for name in config:
        path = f"{prefix}{name}"
        keys.add(path)
        if OmegaConf.is_missing(config, name):
            continue
        node = config._get_node(name)
        if isinstance(node, DictConfig) and not node._is_none() and not node._is_interpolation():
            keys |= known_keys(node, f"{path}.")
    return keys
