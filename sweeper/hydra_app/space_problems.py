"""What is wrong with the space of a config whose other overrides do not compose."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig, OmegaConf

from slimtune.sweeper.checks import problems_of
from slimtune.sweeper.config_values import known_keys, plain, with_values
from slimtune.sweeper.search.settings import names_file
from slimtune.sweeper.space.dimension import Space, edges
from slimtune.sweeper.space.dimension_told import value_problems
from slimtune.sweeper.space.read_space import read_space
from slimtune.sweeper.space.space_file import SPACE, in_full, read_space_file
from slimtune.sweeper.space.sweep_syntax import SweepArguments
from slimtune.training.errors import ConfigError


def space_problems(config: DictConfig, given: SweepArguments, loader: ConfigLoader) -> list[str]:
    """Problems of the space, configured or in a file, and of the ends of what is swept."""
    known = known_keys(config)
    swept = {key: one for key, one in given.space.items() if key in known}
    return [*_configured(config, known), *_of_ends(config, swept, given, loader)]


def _configured(config: DictConfig, known: set[str]) -> list[str]:
    space: Any = OmegaConf.to_container(config.space) if config.get("space") is not None else {}
    if not names_file(space):
        return read_space(space or {}).problems
    path = space["path"]
    if path in (None, "???", "") or not Path(str(path)).is_file():
        return []
    try:
        found = read_space_file(str(path))
    except ConfigError as error:
        return list(error.problems)
    return [*found.problems, *in_full(found.space, known, f"{path}: {SPACE}.").problems]


def _of_ends(config: DictConfig, swept: Space, given: SweepArguments, loader: ConfigLoader) -> Iterator[str]:
    own = problems_of(plain(config))
    for key, dimension in swept.items():
        changed = [with_values(config, {key: value}, loader) for value in edges(dimension)]
        others = [one for one in own if not one.startswith(f"{key} is")]
        found = [problem for one in changed if one is not None for problem in _problems(one) if problem not in others]
        yield from value_problems(given.said[key], key, dimension, found)


def _problems(config: DictConfig) -> Sequence[str]:
    try:
        return problems_of(plain(config))
    except ConfigError as error:
        return error.problems
