"""Describe the search once, get the best small language model: tuned, proven, quantized and registered.

Everything here is loaded when it is first asked for: `import slimtune` imports nothing else.

Attributes:
    sweep: Search, choose, export and register; the whole of `slimtune sweep`.
    train: One trial without a search.
    evaluate_model: The scores of any model on labelled rows.
    export_checkpoint: A checkpoint as a verified, quantized bundle.
    Predictor: What a bundle answers; neither PyTorch nor transformers is imported for it.
    current_trial: The running trial in a task function of your own.
    SweepResult, TrainResult: What `sweep` and `train` give.
    TrialPruned: Ends a trial of a task function of your own.
    SlimtuneError: Root of all errors.
    SweepStopped: What `sweep` raises when `slimtune stop` has stopped it.
    UserError, ConfigError, DataError, ModelError, UntrustedError, StoreError: Bad input.
    TrialError, Diverged: What ends one trial of a sweep, and never leaves it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slimtune.export.evaluation.evaluate_model import evaluate_model
    from slimtune.export.pipeline import export_checkpoint
    from slimtune.export.predictor import Predictor
    from slimtune.sweeper.campaigns.sweep_result import SweepResult
    from slimtune.sweeper.campaigns.trial_folder.result import TrainResult
    from slimtune.sweeper.hydra_app.python_functions import sweep, train
    from slimtune.sweeper.search.trials.task_runner import TrialPruned, current_trial
    from slimtune.training.errors import (
        ConfigError,
        DataError,
        Diverged,
        ModelError,
        SlimtuneError,
        StoreError,
        SweepStopped,
        TrialError,
        UntrustedError,
        UserError,
    )

__all__ = [
    "ConfigError",
    "DataError",
    "Diverged",
    "ModelError",
    "Predictor",
    "SlimtuneError",
    "StoreError",
    "SweepResult",
    "SweepStopped",
    "TrainResult",
    "TrialError",
    "TrialPruned",
    "UntrustedError",
    "UserError",
    "current_trial",
    "evaluate_model",
    "export_checkpoint",
    "sweep",
    "train",
]

_NAMES_OF = {
    "slimtune.export.evaluation.evaluate_model": ("evaluate_model",),
    "slimtune.export.pipeline": ("export_checkpoint",),
    "slimtune.export.predictor": ("Predictor",),
    "slimtune.sweeper.campaigns.trial_folder.result": ("TrainResult",),
    "slimtune.sweeper.campaigns.sweep_result": ("SweepResult",),
    "slimtune.sweeper.hydra_app.python_functions": ("sweep", "train"),
    "slimtune.sweeper.search.trials.task_runner": ("TrialPruned", "current_trial"),
    "slimtune.training.errors": (
        "ConfigError",
        "DataError",
        "Diverged",
        "ModelError",
        "SlimtuneError",
        "StoreError",
        "SweepStopped",
        "TrialError",
        "UntrustedError",
        "UserError",
    ),
}
_MODULE_OF = {name: module for module, names in _NAMES_OF.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'slimtune' has no attribute {name!r}")
    try:
        return getattr(import_module(_MODULE_OF[name]), name)
    except ModuleNotFoundError as error:
        from slimtune.training.installation.plain_install import absent_sentence

        sentence = absent_sentence(error, needed_for=f"slimtune.{name}")
        if sentence is None:
            raise
        raise ModuleNotFoundError(sentence, name=error.name, path=error.path) from error


def __dir__() -> list[str]:
    return sorted(__all__)
