"""The values that options of config groups bring."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from slimtune.sweeper.config_values import CONFIG_MODULE, CONFIG_NAME, VERSION_BASE


@contextmanager
def composing() -> Iterator[None]:
    """Hydra with slimtune's configs, for the time of a block; whatever was set up before is gone then."""
    GlobalHydra.instance().clear()
    with initialize_config_module(CONFIG_MODULE, version_base=VERSION_BASE):
        yield


def default_values() -> dict[str, Any]:
    """The config of a command without arguments, with interpolations as they are written."""
    return _values(CONFIG_NAME)


def option_values(group: str, option: str) -> dict[str, Any]:
    """What an option sets, from the top of the config."""
    return _values(f"{group}/{option}")


def values_by_key(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Every value by its dotted key, mappings as a whole too: some keys take one."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        found[f"{prefix}{name}"] = value
        if isinstance(value, Mapping):
            found |= values_by_key(value, f"{prefix}{name}.")
    return found


def _values(name: str) -> dict[str, Any]:
    values: dict[str, Any] = OmegaConf.to_container(compose(name), resolve=False)  # type: ignore[assignment]
    return values
