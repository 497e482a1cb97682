"""The Hydra app behind `slimtune sweep` and `slimtune train`, and what is said when composing fails."""

import logging
import os
import sys
from collections.abc import Sequence
from typing import Any

import hydra
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException, MissingConfigException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from slimtune.sweeper.checks import problems_of
from slimtune.sweeper.config_values import known_keys, plain
from slimtune.training.config.schema import suggestion
from slimtune.training.errors import ConfigError, SlimtuneError

CONFIG_MODULE, CONFIG_NAME, VERSION_BASE = "slimtune.conf", "config", "1.3"


def run(arguments: Sequence[str], *, sweep: bool) -> None:
    """Compose and run as Hydra does, with our errors in place of its exit code 1.

    Args:
        arguments: Overrides and Hydra's own flags.
        sweep: Whether to search; otherwise one trial is run.

    Raises:
        ConfigError: An override does not fit the config.
    """
    logging.captureWarnings(True)
    app = _App()
    has_flags = any(argument.startswith("-") for argument in arguments)
    try:
        (_run_as_hydra_main if has_flags else _run_composed)(app, arguments, sweep=sweep)
        app.raise_error()
    except SlimtuneError:
        raise
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(_explain(error, arguments)) from error


def _run_composed(app: "_App", arguments: Sequence[str], *, sweep: bool) -> None:
    """What `hydra.main` does with plain overrides, without composing twice: it would double the time to an error."""
    hydra.version.setbase(VERSION_BASE)
    engine = Hydra.create_main_hydra2("slimtune", create_config_search_path(f"pkg://{CONFIG_MODULE}"))
    run = engine.multirun if sweep else engine.run
    try:
        run(config_name=CONFIG_NAME, task_function=app.train, overrides=list(arguments))
    finally:
        GlobalHydra.instance().clear()


def _run_as_hydra_main(app: "_App", arguments: Sequence[str], *, sweep: bool) -> None:
    """With flags (`--cfg job`, `--config-dir ...`), Hydra reads the command line itself."""
    # Hydra would print and exit by itself
    os.environ["HYDRA_FULL_ERROR"] = "1"
    sys.argv = ["slimtune", *(["--multirun"] if sweep else []), *arguments]
    hydra.main(config_path=f"pkg://{CONFIG_MODULE}", config_name=CONFIG_NAME, version_base=VERSION_BASE)(app.train)()


class _App:
    """The task function of `slimtune train`; keeps its error, since Hydra would print about it."""

    def __init__(self) -> None:
        self._error: SlimtuneError | None = None

    def train(self, config: DictConfig) -> None:
        from hydra.core.hydra_config import HydraConfig

        from slimtune.sweeper.campaigns.single_trial import train

        try:
            train(plain(config), HydraConfig.get().runtime.output_dir)
        except SlimtuneError as error:
            self._error = error

    def raise_error(self) -> None:
        if self._error is not None:
            raise self._error


def _explain(error: Exception, arguments: Sequence[str]) -> list[str]:
    """Every problem of the overrides, not only the one that Hydra stumbled over."""
    GlobalHydra.instance().clear()
    try:
        overrides = OverridesParser.create().parse_overrides([item for item in arguments if not item.startswith("-")])
    except HydraException as syntax:
        return [str(syntax).splitlines()[0]]
    try:
        with hydra.initialize_config_module(CONFIG_MODULE, version_base=VERSION_BASE):
            problems = _override_problems(overrides)
    except (HydraException, OmegaConfBaseException):
        problems = []
    return problems or [_first_lines(error)]


def _override_problems(overrides: Sequence[Override]) -> list[str]:
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
    if not isinstance(value, str) or value in options:
        return None
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
