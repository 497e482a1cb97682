"""Keys of Hydra's own part of the config, and sections that were removed."""

from collections.abc import Iterable, Sequence

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig, OmegaConf

from slimtune.sweeper.config_values import SECTIONS, known_keys
from slimtune.training.config.dotted_keys import key_suggestion

OWN = "hydra."
# what is taken from the config's own sections
TAKEN = ("hydra.sweeper.search.", "hydra.sweeper.space.")


def hydra_key_problems(config: DictConfig, keys: Iterable[str]) -> list[str]:
    """A sentence for each key that Hydra does not have.

    Args:
        config: With Hydra's part.
        keys: Those that are set, dotted.
    """
    asked = [key for key in keys if key.startswith(OWN)]
    known = {f"{OWN}{key}" for key in known_keys(config.hydra)} if asked else set()
    return [f"{key} is not a key; {_repair(key, known)}" for key in asked if not _is_known(key, known, config)]


def section_problems(config: DictConfig, loader: ConfigLoader) -> list[str]:
    """A sentence for each section that is not there: it was removed, and every command reads it."""
    return [
        f"the config has no section {name}; {_kept(name, loader.get_group_options(name))}" for name in _gone(config)
    ]


def _gone(config: DictConfig) -> Sequence[str]:
    return [name for name in SECTIONS if name not in config]


def _kept(name: str, options: Sequence[str]) -> str:
    return f"use {name}=none in the place of ~{name}" if "none" in options else f"leave ~{name} out"


def _is_known(key: str, known: set[str], config: DictConfig) -> bool:
    missing = object()
    is_open = not key.startswith(TAKEN)
    return key in known or (is_open and OmegaConf.select(config, key, default=missing) is not missing)


def _repair(key: str, known: set[str]) -> str:
    if key.startswith(TAKEN):
        return f"use {key.removeprefix('hydra.sweeper.')}"
    return key_suggestion(key, known)
