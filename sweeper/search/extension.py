"""A function of the user's own that adds parameters to each trial, as Hydra's Optuna sweeper calls it."""

from collections.abc import Callable, Mapping
from typing import Any

from hydra._internal.utils import _locate
from hydra.errors import HydraException
from omegaconf import DictConfig

from slimtune.sweeper.space.dimension import Scalar
from slimtune.sweeper.space.search_space import SearchSpace
from slimtune.sweeper.study.distributions import Extend, added_to_one
from slimtune.training.errors import ConfigError

SAID = "hydra.sweeper.custom_search_space is"


def extension_of(path: str | None, config: DictConfig) -> Extend | None:
    """The function, with the sweep's config as its first argument; the trial is its second.

    Raises:
        ConfigError: The path leads to no function.
    """
    if path is None:
        return None
    function = _function(path)
    return lambda trial: function(config, trial)


def added_params(path: str, config: DictConfig, space: SearchSpace) -> Mapping[str, Scalar]:
    """What the function adds to one point of the space, drawn at random; no study has a part in it.

    Raises:
        ConfigError: The path leads to no function, or calling it fails.
    """
    extend = extension_of(path, config)
    assert extend is not None
    try:
        return added_to_one(space, extend)
    except Exception as error:
        # any: it is the code of somebody else
        reason = f"{type(error).__name__}: {error}"
        raise ConfigError([f"{SAID} '{path}', and calling it for a trial fails ({reason}); repair it"]) from error


def _function(path: str) -> Callable[..., Any]:
    try:
        # as `hydra.utils.get_method`, which logs what it raises; names need not be identifiers
        found: object = _locate(path.lstrip("."))
    except (HydraException, ImportError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError([f"{SAID} '{path}', which names no function that can be imported ({reason})"]) from error
    if not callable(found):
        raise ConfigError([f"{SAID} '{path}', which is {found!r}; name a function of (config, trial)"])
    return found
