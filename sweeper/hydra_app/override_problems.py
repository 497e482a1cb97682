"""What is said when overrides do not compose."""

from collections.abc import Sequence
from typing import Any

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException, MissingConfigException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from slimtune.sweeper.checks import problems_of
from slimtune.sweeper.config_values import CONFIG_MODULE, CONFIG_NAME, VERSION_BASE, known_keys, plain
from slimtune.sweeper.hydra_app.syntax_problems import syntax_problems
from slimtune.sweeper.search.launchers.plugins import PACKAGES
from slimtune.training.config.schema import suggestion
from slimtune.training.extras import missing


def override_problems(error: Exception, arguments: Sequence[str]) -> list[str]:
    """Every problem of the overrides, not only the one that Hydra stumbled over.

    Args:
        error: What Hydra raised.
        arguments: Overrides and Hydra's own flags.
    """
    GlobalHydra.instance().clear()
    if problems := _missing_launcher(error):
        return problems
    try:
        overrides = OverridesParser.create().parse_overrides([item for item in arguments if not item.startswith("-")])
    except HydraException:
        return syntax_problems(arguments)
    try:
        with hydra.initialize_config_module(CONFIG_MODULE, version_base=VERSION_BASE):
            problems = _problems_of_each(overrides)
    except (HydraException, OmegaConfBaseException, ArithmeticError, TypeError, ValueError, StopIteration):
        # also what a sweep raises that has no first value
        problems = []
    return problems or [_first_lines(error)]


def _missing_launcher(error: Exception) -> list[str]:
    """A launcher whose plugin is not installed; it may be another option's, or stand in a file."""
    group, _, option = str(getattr(error, "missing_cfg_file", None)).rpartition("/")
    if group != "hydra/launcher" or option not in PACKAGES:
        return []
    return missing(PACKAGES[option], needed_for=f"hydra/launcher={option}")


def _problems_of_each(overrides: Sequence[Override]) -> list[str]:
    loader = GlobalHydra.instance().config_loader()
    chosen: list[str] = []
    values: dict[str, str] = {}
    problems: list[str] = []
    for override in overrides:
        if loader.get_group_options(override.key_or_group):
            problem = _option_problem(override, loader.get_group_options(override.key_or_group))
            problems += [problem] if problem else []
            chosen += [] if problem or override.is_sweep_override() else [str(override.input_line)]
        elif not (override.is_add() or override.is_force_add() or override.key_or_group.startswith("hydra")):
            values[override.key_or_group] = _first_value(override)
    config = hydra.compose(CONFIG_NAME, overrides=chosen)
    unknown = {key: problem for key in values if (problem := _key_problem(config, key))}
    known = [line for key, line in values.items() if key not in unknown]
    whole = hydra.compose(CONFIG_NAME, overrides=[*chosen, *known])
    return [*problems, *unknown.values(), *problems_of(plain(whole))]


def _option_problem(override: Override, options: Sequence[str]) -> str | None:
    value = override.value()
    if value in options or isinstance(value, list) or override.is_sweep_override():
        return None
    value = str(value)
    return f"{override.key_or_group}={value} is not an option; {suggestion(value, options)}"


def _first_value(override: Override) -> str:
    """The override itself, or with the first value of a sweep."""
    if not override.is_sweep_override():
        return str(override.input_line)
    if override.is_interval_sweep():
        sweep: Any = override.value()
        return f"{override.key_or_group}={sweep.start}"
    return f"{override.key_or_group}={next(override.sweep_string_iterator())}"


def _key_problem(config: DictConfig, key: str) -> str | None:
    missing = object()
    if OmegaConf.select(config, key, default=missing, throw_on_missing=False) is not missing or _is_known(config, key):
        return None
    return f"{key} is not a key; {suggestion(key, known_keys(config))}"


def _is_known(config: DictConfig, key: str) -> bool:
    # a key whose value is ??? or null selects as the default
    return key in known_keys(config)


def _first_lines(error: Exception) -> str:
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        return str(error).strip().splitlines()[0]
    lines = [line.strip() for line in str(error).strip().splitlines() if line.strip()]
    return " ".join(lines[:2])
