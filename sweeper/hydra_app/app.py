"""Compose and run: the one way in which a sweep or a trial is begun."""

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import hydra
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from slimtune.sweeper.config_values import CONFIG_MODULE, CONFIG_NAME, VERSION_BASE, plain
from slimtune.sweeper.hydra_app.override_problems import override_problems
from slimtune.training.errors import ConfigError, SlimtuneError

if TYPE_CHECKING:
    from slimtune.sweeper.campaigns.single_trial import TrainResult


def run_app(arguments: Sequence[str], *, sweep: bool) -> Any:
    """Compose and run as Hydra does, with our errors in place of its exit code 1.

    Args:
        arguments: Overrides and Hydra's own flags.
        sweep: Whether to search; otherwise one trial is run.

    Returns:
        A `SweepResult` or a `TrainResult`; None where there are flags, since Hydra keeps what `hydra.main` gave.

    Raises:
        ConfigError: An override does not fit the config.
    """
    app = _App()
    has_flags = any(argument.startswith("-") for argument in arguments)
    try:
        returned = (_run_as_hydra_main if has_flags else _run_composed)(app, arguments, sweep=sweep)
        app.raise_error()
    except SlimtuneError:
        raise
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(override_problems(error, arguments)) from error
    return returned


def _run_composed(app: "_App", arguments: Sequence[str], *, sweep: bool) -> Any:
    """What `hydra.main` does with plain overrides, without composing twice: it would double the time to an error."""
    hydra.version.setbase(VERSION_BASE)
    engine = Hydra.create_main_hydra2("slimtune", create_config_search_path(f"pkg://{CONFIG_MODULE}"))
    run = engine.multirun if sweep else engine.run
    try:
        returned = run(config_name=CONFIG_NAME, task_function=app.train, overrides=list(arguments))
    finally:
        GlobalHydra.instance().clear()
    return returned if sweep else app.result


def _run_as_hydra_main(app: "_App", arguments: Sequence[str], *, sweep: bool) -> None:
    """With flags (`--cfg job`, `--config-dir ...`), which only commands take, Hydra reads the command line itself."""
    # Hydra would print and exit by itself
    os.environ["HYDRA_FULL_ERROR"] = "1"
    sys.argv = ["slimtune", *(["--multirun"] if sweep else []), *arguments]
    hydra.main(config_path=f"pkg://{CONFIG_MODULE}", config_name=CONFIG_NAME, version_base=VERSION_BASE)(app.train)()


class _App:
    """The task function of `slimtune train`; keeps its result, and its error, since Hydra would print about it."""

    def __init__(self) -> None:
        self.result: TrainResult | None = None
        self._error: SlimtuneError | None = None

    def train(self, config: DictConfig) -> None:
        from hydra.core.hydra_config import HydraConfig

        from slimtune.sweeper.campaigns.single_trial import train_single_trial

        try:
            self.result = train_single_trial(plain(config), HydraConfig.get().runtime.output_dir)
        except SlimtuneError as error:
            self._error = error

    def raise_error(self) -> None:
        if self._error is not None:
            raise self._error
