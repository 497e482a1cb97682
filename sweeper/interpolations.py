"""Values that are taken from another key of the config, `${fit.epochs}`, and lead nowhere."""

import re
from collections.abc import Iterator
from typing import Any

from hydra.errors import HydraException
from omegaconf import DictConfig, ListConfig
from omegaconf.errors import OmegaConfBaseException

from slimtune.training.config.dotted_keys import key_suggestion

NO_KEY = re.compile(r"Interpolation key '([^']*)' not found")

RAISED = re.compile(r"^\w+ raised while resolving interpolation: ")


def interpolation_problems(config: DictConfig) -> dict[str, str]:
    """A sentence for each value that cannot be resolved, by its key."""
    known = set(_keys(config))
    return {key: f"{key} is {written}, {_reason(error, known)}" for key, written, error in _broken(config)}


def _reason(error: Exception, known: set[str]) -> str:
    line = str(error).partition("\n")[0]
    if (found := NO_KEY.search(line)) is None:
        return f"which has no value: {RAISED.sub('', line)}"
    name = found[1]
    repair = key_suggestion(name, known) if known else "write the value itself"
    return f"and there is no key '{name}'; {repair}"


def _broken(config: Any, prefix: str = "") -> Iterator[tuple[str, str, Exception]]:
    """Key, text and error of each."""
    for name in _names(config):
        node = config._get_node(name)
        key = f"{prefix}{name}"
        if node is not None and node._is_interpolation():
            try:
                config[name]
            except (OmegaConfBaseException, HydraException) as error:
                yield key, str(node._value()), error
        elif _has_inner(node):
            yield from _broken(node, f"{key}.")


def _keys(config: Any, prefix: str = "") -> Iterator[str]:
    for name in _names(config):
        yield f"{prefix}{name}"
        node = config._get_node(name)
        if isinstance(node, DictConfig) and _has_inner(node):
            yield from _keys(node, f"{prefix}{name}.")


def _names(config: Any) -> list[Any]:
    return list(range(len(config))) if isinstance(config, ListConfig) else list(config)


def _has_inner(node: Any) -> bool:
    is_open = isinstance(node, DictConfig | ListConfig) and not node._is_none() and not node._is_missing()
    return is_open and not node._is_interpolation()
