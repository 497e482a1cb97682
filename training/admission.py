"""What can be told before a trial takes its first step."""

from torch import nn

from training.config import AUTO, FitConfig, TrialConfig
from training.errors import ConfigError
from training.memory import check_need, check_weights, need_of
from training.methods import method_of
from training.resources import Resources
from training.workbench import Workbench


def check_trial(config: TrialConfig, bench: Workbench, resources: Resources) -> None:
    """Before the trial has a model of its own.

    Raises:
        ConfigError: The loss compares the rows of a batch, which is to be taken apart.
        MemoryError: A copy of the base does not fit.
    """
    fit = config.fit
    if bench.task.couples_rows and (fit.rows_at_once < fit.batch_size or fit.devices > 1):
        key, value = ("micro_batch_size", fit.rows_at_once) if fit.devices == 1 else ("devices", fit.devices)
        raise ConfigError(
            [
                f"fit.{key} is {value}, and the loss compares all rows of a batch ({fit.batch_size}) with each other; "
                f"use {AUTO if fit.devices == 1 else 1}"
            ]
        )
    if not method_of(config.method).shares_base:
        check_weights(bench.base.model, 4, resources.device, most_mb=fit.max_memory_mb)


def check_memory(model: nn.Module, fit: FitConfig, resources: Resources, *, tokens: int) -> None:
    """What is taken beside the model that is there; for a row at a time, if more need not fit.

    Raises:
        MemoryError: It does not fit.
    """
    rows = 1 if fit.micro_batch_size == AUTO else fit.rows_at_once
    need = need_of(model, fit, rows=rows, tokens=tokens)
    check_need(need, resources.device, most_mb=fit.max_memory_mb)
