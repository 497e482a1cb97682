"""`slimtune.sweep` and `slimtune.train`: the commands as functions, for notebooks and scripts."""

import logging
import reprlib
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.singleton import Singleton
from hydra.version import VersionBase

from slimtune.sweeper.config_file import FLAG, PYTHON, called_by, file_forgotten_after
from slimtune.sweeper.hydra_app.app import run_app
from slimtune.training.errors import ConfigError, UserError, raise_whole

if TYPE_CHECKING:
    from slimtune.sweeper.campaigns.sweep_result import SweepResult
    from slimtune.sweeper.campaigns.trial_folder.result import TrainResult


def sweep(*overrides: str, config: str | Path | None = None) -> "SweepResult":
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

    A file, as `slimtune init` writes it, has the same values; overrides have the last word:

    >>> from pathlib import Path
    >>> written = Path("mine.yaml").write_text("data: {train_file: rows.jsonl}\\nsearch: {name: mine, n_trials: 2}")
    >>> again = slimtune.sweep(
    ...     "model.name_or_path=my_encoder", "search.rerun_seeds=0", "export.variants=[]",
    ...     "export.max_metric_drop=0.5", config="mine.yaml",
    ... )
    >>> again == result
    True

    Args:
        overrides: In Hydra's grammar, as on the command line; `slimtune sweep --help` lists them.
        config: A config file of your own, as `--config` takes it.

    Raises:
        ConfigError: All problems of the config at once, before anything is loaded.
        UserError: Data, model or store cannot be used, no trial completed, or no variant passed the gate.
    """
    with _kept_state():
        result: SweepResult = run_app(_arguments(overrides, config), sweep=True)
    return result


def train(*overrides: str, config: str | Path | None = None) -> "TrainResult":
    """Run one trial of the config, as `slimtune train` does, without a search.

    >>> import slimtune
    >>> result = slimtune.train("data=file", "data.train_file=rows.jsonl", "model.name_or_path=my_encoder")
    >>> 0 <= result.scores["validation/accuracy"] <= 1
    True
    >>> (result.checkpoint / "slimtune.json").is_file()
    True

    With a file, as `slimtune init` writes it:

    >>> from pathlib import Path
    >>> written = Path("mine.yaml").write_text("data: {train_file: rows.jsonl}")
    >>> again = slimtune.train("model.name_or_path=my_encoder", config="mine.yaml")
    >>> again.scores["validation/accuracy"] == result.scores["validation/accuracy"]
    True

    Args:
        overrides: As those of `sweep`; none of them may search.
        config: A config file of your own, as `--config` takes it.

    Raises:
        ConfigError: All problems of the config at once, before anything is loaded.
        UserError: Data or model cannot be used, or the trial failed, e.g. since it diverged.
    """
    with _kept_state():
        result: TrainResult = run_app(_arguments(overrides, config), sweep=False)
    return result


def _arguments(overrides: Sequence[str], config: str | Path | None) -> list[str]:
    """What a command line would have."""
    problems = [problem for place, _ in enumerate(overrides) if (problem := _problem(overrides[place:]))]
    if config is not None and not isinstance(config, str | Path):
        problems.append(
            f"config is {reprlib.repr(config)}; give the path of a file, e.g. {PYTHON.with_file('mine.yaml')}, "
            "and values as overrides"
        )
    if problems:
        raise ConfigError(problems)
    return [*overrides, *([] if config is None else [f"{FLAG}={config}"])]


def _problem(given: Sequence[object]) -> str | None:
    """Why the first one is no override; the value of a flag may stand behind it."""
    override, following = [*given, None][:2]
    if not isinstance(override, str):
        rule = "an override is a text, e.g. 'fit.epochs=3'"
        return f"{reprlib.repr(override)} is none: {rule}; several in a list are given with a star, *overrides"
    if not override.startswith("-"):
        return None
    flag, equals, value = override.partition("=")
    value = value if equals or not isinstance(following, str) or following.startswith("-") else following
    instead = {
        FLAG: f"give the keyword {PYTHON.with_file(value or 'mine.yaml')}",
        "--config-dir": f"give {PYTHON.with_folder(value or 'folder')}",
    }
    return f"{override} is a flag of the command line; {instead.get(flag, 'give overrides, e.g. fit.epochs=3')}"


@contextmanager
def _kept_state() -> Iterator[None]:
    """Put back what Hydra sets for a whole process: the caller may use Hydra and logging too."""
    kinds: tuple[type, ...] = (GlobalHydra, HydraConfig, VersionBase)
    kept = {kind: Singleton._instances.pop(kind) for kind in kinds if kind in Singleton._instances}
    root = logging.getLogger()
    handlers, level, showwarning = root.handlers[:], root.level, warnings.showwarning
    try:
        with called_by(PYTHON), file_forgotten_after():
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
