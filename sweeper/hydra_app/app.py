"""Compose and run: the one way in which a sweep or a trial is begun."""

import logging
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hydra
from hydra._internal.callbacks import Callbacks
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.conf import HydraConf
from hydra.core.config_search_path import SearchPathQuery
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.core.utils import run_job
from hydra.errors import ConfigCompositionException, HydraException
from hydra.types import HydraContext, RunMode, TaskFunction
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from slimtune.sweeper.campaigns.trial_folder.held import check_same_config
from slimtune.sweeper.campaigns.trial_folder.resumed import resumed_folder
from slimtune.sweeper.checks import problems_of
from slimtune.sweeper.config_file import with_config_file
from slimtune.sweeper.config_values import CONFIG_MODULE, CONFIG_NAME, VERSION_BASE, known_keys, plain, unread_keys
from slimtune.sweeper.first_look import refuse
from slimtune.sweeper.hydra_app.file_problems import yaml_problem
from slimtune.sweeper.hydra_app.flag_problems import (
    asks_hydra,
    config_dir,
    flag_problems,
    flags_first,
    is_multirun,
    only_shows,
    overrides_of,
    settled_flags,
)
from slimtune.sweeper.hydra_app.override_problems import override_problems
from slimtune.sweeper.hydra_parser import mend_hydra_parser
from slimtune.sweeper.search.request import HydraApp
from slimtune.sweeper.space.sweep_syntax import first_options, plain_keys
from slimtune.training.atomic_files import missing_folders, remove_empty
from slimtune.training.errors import ConfigError, SlimtuneError
from slimtune.training.hardware.waiting import wait_briefly
from slimtune.training.writable_folder import check_writable

if TYPE_CHECKING:
    from slimtune.sweeper.campaigns.trial_folder.result import TrainResult

# of a trial without a search
RUN_DIR = "hydra.run.dir"


def run_app(arguments: Sequence[str], *, sweep: bool) -> Any:
    """Compose and run as Hydra does, with our errors in place of its exit code 1.

    Args:
        arguments: Overrides, Hydra's own flags, and `--config` with a file.
        sweep: Whether to search; otherwise one trial is run.

    Returns:
        A `SweepResult` or a `TrainResult`; None where flags ask to show something.

    Raises:
        ConfigError: An override does not fit the config.
    """
    wait_briefly()
    app = _App()
    try:
        arguments = with_config_file(arguments)
        has_flags = any(argument.startswith("-") for argument in arguments)
        returned = (_run_with_flags if has_flags else _run_composed)(app, arguments, sweep=sweep)
        app.raise_error()
    except SlimtuneError:
        raise
    except (YAMLError, UnicodeDecodeError) as error:
        GlobalHydra.instance().clear()
        raise ConfigError([yaml_problem(error)]) from error
    except (HydraException, OmegaConfBaseException) as error:
        found = override_problems(error, arguments, sweep=sweep and not only_shows(arguments))
        refuse(found.problems, found.values, found.unsure)
    return returned


def _run_with_flags(app: "_App", arguments: Sequence[str], *, sweep: bool) -> Any:
    """Flags are of commands: to run from a folder of configs, or to show what would be run, as Hydra does."""
    arguments = settled_flags(arguments)
    if problems := flag_problems(arguments, sweep=sweep):
        raise ConfigError(problems)
    if asks_hydra(arguments):
        return _run_as_hydra_main(app, arguments, sweep=sweep)
    overrides, searches = overrides_of(arguments), sweep or is_multirun(arguments)
    return _run_composed(app, overrides, sweep=searches, folder=config_dir(arguments))


def _run_composed(app: "_App", arguments: Sequence[str], *, sweep: bool, folder: str | None = None) -> Any:
    """What `hydra.main` does with overrides and `--config-dir`, without composing twice: it would double the time to an
    error, and what a trial goes on with would not be known before.
    """
    hydra.version.setbase(VERSION_BASE)
    places = create_config_search_path(f"pkg://{CONFIG_MODULE}")
    if folder is not None:
        own = f"file://{Path(folder).absolute()}"
        places.prepend(provider="command-line", path=own, anchor=SearchPathQuery(provider="schema"))
    engine = Hydra.create_main_hydra2("slimtune", places)
    try:
        if sweep:
            return _multirun(engine, app.train, arguments)
        _run_once(engine, app, arguments)
    finally:
        GlobalHydra.instance().clear()
    return app.result


def _run_once(engine: Hydra, app: "_App", arguments: Sequence[str]) -> None:
    """What Hydra does; what is wrong before the first step leaves no folder behind."""
    config = _composed(engine, arguments, RunMode.RUN)
    config.hydra.mode = RunMode.RUN
    _check(config)
    folder = _own_folder(config)
    check_writable(folder, RUN_DIR)
    HydraConfig.instance().set_config(config)
    app.missing = missing_folders(folder)
    context = HydraContext(config_loader=engine.config_loader, callbacks=Callbacks(config))
    context.callbacks.on_run_start(config=config, config_name=CONFIG_NAME)
    job = run_job(
        hydra_context=context, task_function=app.train, config=config, job_dir_key=RUN_DIR, job_subdir_key=None
    )
    context.callbacks.on_run_end(config=config, config_name=CONFIG_NAME, job_return=job)
    # raises what the task has raised
    _ = job.return_value


def _own_folder(config: DictConfig) -> Path:
    """Where the trial runs, unless one of another config lies there; an interrupted one goes on where it is."""
    folder = Path(str(OmegaConf.select(config, RUN_DIR)))
    try:
        values = plain(config)
    except ConfigError:
        # as in `_check`
        return folder
    if not any(str(line).startswith(f"{RUN_DIR}=") for line in config.hydra.overrides.hydra):
        folder = resumed_folder(values, folder)
        config.hydra.run.dir = str(folder)
    check_same_config(folder, values)
    return folder


def _check(config: DictConfig) -> None:
    try:
        values = plain(config)
    except ConfigError:
        # what is taken from Hydra's own values is known within the job
        return
    refuse([*unread_keys(config), *problems_of(values)], values)


def _multirun(engine: Hydra, task: TaskFunction, arguments: Sequence[str]) -> Any:
    """What Hydra does, over a config that the options of a searched group need not fit to."""
    app = composed_app(engine, task, arguments)
    app.context.callbacks.on_multirun_start(config=app.config, config_name=CONFIG_NAME)
    if not isinstance(app.config.hydra.sweeper, DictConfig):
        raise ConfigError([f"hydra.sweeper is {app.config.hydra.sweeper!r}; leave it out"])
    sweeper = Plugins.instance().instantiate_sweeper(config=app.config, hydra_context=app.context, task_function=task)
    own = {str(line) for line in app.config.hydra.overrides.hydra}
    returned = sweeper.sweep(arguments=[argument for argument in arguments if argument not in own])
    app.context.callbacks.on_multirun_end(config=app.config, config_name=CONFIG_NAME)
    return returned


def composed_app(engine: Hydra, task: TaskFunction, arguments: Sequence[str]) -> HydraApp:
    """A sweep's app; overrides that only some options of a searched group have a key for may not be in its config."""
    loader = engine.config_loader
    try:
        config = _composed(engine, arguments)
    except HydraException:
        firsts = first_options(arguments, loader)
        if firsts == list(arguments):
            raise
        groups = [line for line in firsts if line not in plain_keys(firsts, loader)]
        known = known_keys(_composed(engine, groups))
        config = _composed(
            engine, [*groups, *(line for line, key in plain_keys(firsts, loader).items() if key in known)]
        )
    return HydraApp(HydraContext(config_loader=loader, callbacks=Callbacks(config)), task, config)


def _composed(engine: Hydra, overrides: Sequence[str], mode: RunMode = RunMode.MULTIRUN) -> DictConfig:
    try:
        return engine.compose_config(
            config_name=CONFIG_NAME, overrides=list(overrides), with_log_configuration=True, run_mode=mode
        )
    except (ArithmeticError, AssertionError, AttributeError, TypeError, ValueError) as error:
        # what Hydra raises of values that it did not think of, e.g. a number as an option
        raise ConfigCompositionException(str(error) or type(error).__name__) from error


def _run_as_hydra_main(app: "_App", arguments: Sequence[str], *, sweep: bool) -> None:
    """What is shown (`--cfg job`), and another config than ours: Hydra reads the command line itself."""
    mend_hydra_parser()
    # Hydra would print and exit by itself
    os.environ["HYDRA_FULL_ERROR"] = "1"
    searches = sweep and not only_shows(arguments)
    sys.argv = ["slimtune", *(["--multirun"] if searches else []), *flags_first(arguments)]
    try:
        hydra.main(config_path=f"pkg://{CONFIG_MODULE}", config_name=CONFIG_NAME, version_base=VERSION_BASE)(
            app.train
        )()
    except (FileExistsError, NotADirectoryError) as error:
        # Hydra has made the folder of the run itself
        check_writable(Path(error.filename), RUN_DIR)
        raise


def _forget_refused(hydra_config: HydraConf, missing: Sequence[Path]) -> None:
    """Remove what Hydra wrote for a trial that wrote nothing itself: it was refused before its first step."""
    folder = Path(hydra_config.runtime.output_dir)
    own = {hydra_config.output_subdir, f"{hydra_config.job.name}.log"}
    if any(path.name not in own for path in folder.iterdir()):
        return
    log = folder / f"{hydra_config.job.name}.log"
    _stop_logging_to(log)
    log.unlink(missing_ok=True)
    if hydra_config.output_subdir is not None:
        shutil.rmtree(folder / hydra_config.output_subdir, ignore_errors=True)
    # Hydra has read the command line itself: what was there before is not known
    below = [path for path in (folder, *folder.parents) if Path(hydra_config.runtime.cwd) in path.parents]
    remove_empty(missing or below)


def _stop_logging_to(file: Path) -> None:
    """Take Hydra's handler away: it would open its file again for whatever comes next in this process."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler, logging.FileHandler) and Path(handler.baseFilename) == file:
            root.removeHandler(handler)
            handler.close()


class _App:
    """The task function of `slimtune train`; keeps its result, and its error, since Hydra would print about it.

    Attributes:
        result: What the trial gave.
        missing: Folders that Hydra made for the trial, the innermost first.
    """

    def __init__(self) -> None:
        self.result: TrainResult | None = None
        self.missing: Sequence[Path] = ()
        self._error: SlimtuneError | None = None

    def train(self, config: DictConfig) -> None:
        from slimtune.sweeper.campaigns.single_trial import train_single_trial

        try:
            _check(config)
            self.result = train_single_trial(plain(config), HydraConfig.get().runtime.output_dir)
        except SlimtuneError as error:
            self._error = error
            _forget_refused(HydraConfig.get(), self.missing)

    def raise_error(self) -> None:
        if self._error is not None:
            raise self._error
