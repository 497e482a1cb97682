"""`slimtune.sweep` and `slimtune.train`: the commands as functions, for notebooks and scripts."""

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.singleton import Singleton
from hydra.version import VersionBase

from slimtune.sweeper.hydra_app.app import run_app
from slimtune.training.errors import ConfigError, UserError, raise_whole

if TYPE_CHECKING:
    from slimtune.sweeper.campaigns.sweep_result import SweepResult
    from slimtune.sweeper.campaigns.trial_folder.result import TrainResult


def sweep(*overrides: str) -> "SweepResult":
    """Run a sweep to its end, as `slimtune sweep` does: search, choose, test, export, register.

    Files are written under the working directory. Called again with the same overrides it resumes a sweep that was
    interrupted, and gives the result of one that has ended without doing it again.

    >>> import slimtune
    >>> result = slimtune.sweep(
    ...     "data=file", "data.train_file=rows.jsonl", "model.name_or_path=my_encoder", "search.name=mine",
    ...     "search.n_trials=2", "search.rerun_seeds=0", "export.variants=[]", "export.max_metric_drop=0.5",
    ... )
    >>> sorted(result.params)
    ['fit.batch_size', 'fit.learning_rate', 'method.r']
    >>> result.checkpoint.parts[-4:-2]
    ('mine', 'trials')
    >>> result.bundle.name, result.registered
    ('bundle', 'models:/mine/1')

    Args:
        overrides: In Hydra's grammar, as on the command line; `slimtune sweep --help` lists them.

    Raises:
        ConfigError: All problems of the config at once, before anything is loaded.
        UserError: Data, model or store cannot be used, no trial completed, or no variant passed the gate.
    """
    with _kept_state():
        result: SweepResult = run_app(_plain_overrides(overrides), sweep=True)
    return result


def train(*overrides: str) -> "TrainResult":
    """Run one trial of the config, as `slimtune train` does, without a search.

    >>> import slimtune
    >>> result = slimtune.train("data=file", "data.train_file=rows.jsonl", "model.name_or_path=my_encoder")
    >>> 0 <= result.scores["validation/accuracy"] <= 1
    True
    >>> (result.checkpoint / "slimtune.json").is_file()
    True

    Args:
        overrides: As those of `sweep`; none of them may search.

    Raises:
        ConfigError: All problems of the config at once, before anything is loaded.
        UserError: Data or model cannot be used, or the trial failed, e.g. since it diverged.
    """
    with _kept_state():
        result: TrainResult = run_app(_plain_overrides(overrides), sweep=False)
    return result


def _plain_overrides(overrides: Sequence[str]) -> Sequence[str]:
    flags = [override for override in overrides if override.startswith("-")]
    if flags:
        raise ConfigError(
            [f"{flag} is a flag of the command line; give overrides, e.g. fit.epochs=3" for flag in flags]
        )
    return overrides


@contextmanager
def _kept_state() -> Iterator[None]:
    """Put back what Hydra sets for a whole process: the caller may use Hydra and logging too."""
    kinds: tuple[type, ...] = (GlobalHydra, HydraConfig, VersionBase)
    kept = {kind: Singleton._instances.pop(kind) for kind in kinds if kind in Singleton._instances}
    root = logging.getLogger()
    handlers, level, showwarning = root.handlers[:], root.level, warnings.showwarning
    try:
        yield
    except UserError as error:
        # a command tells what it knows and looks on; one exception tells all
        raise_whole(error)
    finally:
        for kind in kinds:
            Singleton._instances.pop(kind, None)
        Singleton._instances.update(kept)
        for handler in set(root.handlers) - set(handlers):
            handler.close()
        root.handlers[:] = handlers
        root.setLevel(level)
        if warnings.showwarning is not showwarning:
            logging.captureWarnings(False)
