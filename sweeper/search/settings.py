"""What stands under `hydra.sweeper`, whoever's form it has: slimtune's, a space file's, or that of Hydra's sweeper."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from omegaconf import OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from slimtune.sweeper.config_values import known_keys
from slimtune.sweeper.interpolations import interpolation_problems
from slimtune.sweeper.sampler_config import SAMPLERS
from slimtune.sweeper.search.launchers.plugins import is_serial
from slimtune.sweeper.search.named_parts import values_of_file
from slimtune.sweeper.search.optuna_sweeper_keys.plugin_keys import PluginKeys, has_plugin_keys, read_plugin_keys
from slimtune.sweeper.search.request import HydraApp
from slimtune.sweeper.space.dimension import Space, choice_of
from slimtune.sweeper.space.hydra_parser import parsed_overrides
from slimtune.sweeper.space.space_file import SPACE, STRATEGY, STRATEGY_KEYS, in_full, read_space_file
from slimtune.training.config.schema import option_suggestion
from slimtune.training.errors import ConfigError

log = logging.getLogger(__name__)


class Settings(NamedTuple):
    """Everything that a sweep is set up with.

    Attributes:
        app: The app; its config has the section `search` that holds.
        search: That section, as plain values.
        params: Overrides that stand in the config, before those of the command line.
        space: Dimensions that stand in a file, or under that plugin's older key; by their short names.
        space_prefix: What a message puts before these names.
        campaign: Dotted path of what happens around the search, or None.
        worker: Dotted path of what runs trials in a worker, or None.
        extension: Dotted path of a function that adds parameters to a trial, or None.
        max_failure_rate: Share of the budget that may fail; None is any.
        is_plugin_form: Whether keys of Hydra's Optuna sweeper are used.
        problems: What is wrong with the file.
        unread: Keys of dimensions that stand there and cannot be read, with their names there.
    """

    app: HydraApp
    search: Mapping[str, Any]
    params: list[str]
    space: Space
    campaign: str | None
    worker: str | None
    extension: str | None
    max_failure_rate: float | None
    is_plugin_form: bool
    space_prefix: str = "space."
    problems: Sequence[str] = ()
    unread: Mapping[str, str] = {}  # a NamedTuple's default, never written to


def read_settings(app: HydraApp, arguments: Sequence[str]) -> Settings:
    """All settings of a sweep.

    Raises:
        ConfigError: Some of them cannot be read.
    """
    values = _values(app)
    file = _file_space(app, values, arguments)
    search = dict(file.search)
    keys = PluginKeys({}, [], {}, None, None, [])
    if has_plugin_keys(values):
        keys = read_plugin_keys({**values, "search": search}, sampler_defaults(), is_serial=is_serial(app.config))
        search = search | dict(keys.search)
    return Settings(
        app=with_search(app, search) if search != values["search"] else app,
        search=search,
        params=keys.params,
        space={**file.space, **keys.space},
        space_prefix=file.prefix if file.space else "hydra.sweeper.search_space." if keys.space else "space.",
        problems=[*file.problems, *keys.problems],
        unread=file.unread,
        campaign=values["campaign"],
        worker=values["worker"],
        extension=keys.extension,
        max_failure_rate=keys.max_failure_rate,
        is_plugin_form=has_plugin_keys(values),
    )


def sampler_defaults() -> dict[str, Mapping[str, Any]]:
    """The options of slimtune's samplers, by name, for apps that have no such config group."""
    return {name: values for name in SAMPLERS if (values := values_of_file("sampler", name)) is not None}


def _values(app: HydraApp) -> dict[str, Any]:
    try:
        values: dict[str, Any] = OmegaConf.to_container(app.config.hydra.sweeper, resolve=True, enum_to_str=True)  # type: ignore[assignment]
    except OmegaConfBaseException as error:
        told = interpolation_problems(
            OmegaConf.masked_copy(app.config, [str(key) for key in app.config if key != "hydra"])
        )
        raise ConfigError(list(told.values()) or [f"hydra.sweeper: {str(error).splitlines()[0]}"]) from error
    if not isinstance(values["search"], Mapping):
        raise ConfigError([f"hydra.sweeper.search is {values['search']!r}; use a mapping with the keys of its group"])
    return values


class _FileSpace(NamedTuple):
    """The space of a file, what its names are called in messages, the section `search`, and what is wrong.

    Attributes:
        unread: As in `Settings`.
    """

    space: Space
    prefix: str
    search: Mapping[str, Any]
    problems: Sequence[str] = ()
    unread: Mapping[str, str] = {}


def _file_space(app: HydraApp, values: Mapping[str, Any], arguments: Sequence[str]) -> _FileSpace:
    """The space of the file that the config names, and the section `search` as its strategy has it."""
    search: dict[str, Any] = dict(values["search"])
    if not names_file(values["space"]):
        return _FileSpace({}, "", search)
    path = values["space"]["path"]
    if path in (None, "???", ""):
        missing = "space.path is missing; name the file, e.g. space.path=hyperparameter-search.yaml"
        return _FileSpace({}, "", search, [missing])
    try:
        found = read_space_file(str(path))
    except ConfigError as error:
        return _FileSpace({}, "", search, error.problems)
    problems = [*found.problems]
    given = {item.key_or_group.replace("/", ".") for item in parsed_overrides(arguments, app.context.config_loader)}
    kept = {key for key in STRATEGY_KEYS if STRATEGY_KEYS[key] in given}
    for key in sorted(kept & found.strategy.keys()):
        log.warning("%s.%s of %s is not used: the command line has %s", STRATEGY, key, path, STRATEGY_KEYS[key])
    strategy = {key: value for key, value in found.strategy.items() if key not in kept}
    if "type" in strategy and strategy["type"] != _sampler_name(search):
        name, defaults = strategy["type"], sampler_defaults()
        if name in defaults:
            search["sampler"] = defaults[name]
        else:
            problems.append(f"{path}: {STRATEGY}.type is {name!r}; {option_suggestion(str(name), defaults)}")
    search |= {own: strategy[key] for key, own in (("num_trials", "n_trials"), ("seed", "seed")) if key in strategy}
    prefix = f"{path}: {SPACE}."
    # of what cannot be read the keys can
    unread = in_full(dict.fromkeys(found.unread, choice_of([None])), known_keys(app.config), prefix).said
    return _FileSpace(found.space, prefix, search, problems, unread)


def names_file(space: Any) -> bool:
    """Whether the configured space is a file."""
    return isinstance(space, Mapping) and set(space) == {"path"} and not isinstance(space["path"], Mapping)


def _sampler_name(search: Mapping[str, Any]) -> Any:
    sampler = search.get("sampler")
    return sampler.get("name") if isinstance(sampler, Mapping) else sampler


def with_search(app: HydraApp, search: Mapping[str, Any]) -> HydraApp:
    """The app with another section `search`, where its config has it."""
    config = app.config.copy()
    is_own = config.hydra.sweeper._get_node("search")._is_interpolation()
    with open_dict(config):
        OmegaConf.update(config, "search" if is_own else "hydra.sweeper.search", dict(search), merge=False)
    return app._replace(config=config)
