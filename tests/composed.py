"""Configs as Hydra composes them: a quarter of a second each, where hundreds of tests choose the same files."""

import copy
from collections.abc import Sequence
from functools import cache
from typing import Any

from hydra import compose, initialize_config_module
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig

from slimtune.sweeper.config_values import CONFIG_MODULE, CONFIG_NAME, VERSION_BASE, plain


def composed(overrides: Sequence[str]) -> DictConfig:
    """The config of the overrides: files are chosen once for all, then Hydra sets the values in a copy."""
    values = [word for word in overrides if "." in word.partition("=")[0]]
    config = copy.deepcopy(_chosen(tuple(word for word in overrides if word not in values)))
    ConfigLoaderImpl._apply_overrides_to_config(OverridesParser.create().parse_overrides(values), config)
    return config


def plain_config(overrides: Sequence[str]) -> dict[str, Any]:
    """The same as plain values."""
    return plain(composed(overrides))


@cache
def _chosen(options: tuple[str, ...]) -> DictConfig:
    with initialize_config_module(CONFIG_MODULE, version_base=VERSION_BASE):
        return compose(CONFIG_NAME, overrides=list(options))
