"""Plain values from Hydra's composed config."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from slimtune.training.errors import ConfigError

# the config of every command
CONFIG_MODULE, CONFIG_NAME, VERSION_BASE = "slimtune.conf", "config", "1.3"


def with_values(config: DictConfig, values: Mapping[str, Any], loader: ConfigLoader) -> DictConfig | None:
    """The app's part of the config with other values, or None if that takes composing anew.

    Composing takes a tenth of a second. It is needed for an option of a config group and for a list or mapping, which
    stands as its text.
    """
    for key, value in values.items():
        is_structure = isinstance(value, str) and value[:1] in ("[", "{")
        if is_structure or _is_group(loader, key):
            return None
    own = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
    for key, value in values.items():
        OmegaConf.update(own, key.lstrip("+"), value, force_add=True)
    return own


@cache
def _is_group(loader: ConfigLoader, key: str) -> bool:
    """Hydra lists the search path's folders anew each time, 5 ms for a key."""
    return bool(loader.get_group_options(key))


def plain(config: DictConfig) -> dict[str, Any]:
    """The app's part of the config, interpolations resolved; missing values stay `???`.

    Raises:
        ConfigError: An interpolation leads nowhere.
    """
    own = config
    if "hydra" in config:
        own = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
    try:
        values: dict[str, Any] = OmegaConf.to_container(own, resolve=True)  # type: ignore[assignment]
    except (OmegaConfBaseException, HydraException) as error:
        raise ConfigError([str(error).splitlines()[0]]) from error
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
