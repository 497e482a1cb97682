"""What can be told before a trial takes its first step."""

from typing import Any

from torch import nn

from slimtune.training.config.fit import AUTO, FitConfig
from slimtune.training.config.method import MethodConfig
from slimtune.training.config.trial import TrialConfig
from slimtune.training.errors import ConfigError
from slimtune.training.hardware.memory import check_need, check_weights, need_of
from slimtune.training.hardware.resources import Resources
from slimtune.training.methods import method_of
from slimtune.training.workbench.workbench import Workbench


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
    check_positions(config.method, bench.base.model.config, longest=int(bench.splits["train"].encoded.lengths().max()))
    if not method_of(config.method).shares_base and not fit.fsdp:
        check_weights(bench.base.model, 4, resources.device, most_mb=fit.max_memory_mb)


def check_positions(method: MethodConfig, model_config: Any, *, longest: int) -> None:
    """Whether virtual tokens leave room for the rows.

    Raises:
        ConfigError: They do not.
    """
    positions = positions_of(model_config)
    num_virtual = getattr(method, "num_virtual_tokens", 0)
    if positions is not None and num_virtual > 0 and longest + num_virtual > positions:
        raise ConfigError(
            [
                f"method.num_virtual_tokens is {num_virtual}, and rows have up to {longest} tokens, together more than "
                f"the model's {positions} positions; use data.max_length={positions - num_virtual}"
            ]
        )


def positions_of(model_config: Any) -> int | None:
    """Tokens that a model has positions for; None if any number."""
    return getattr(model_config, "max_position_embeddings", None)


def check_memory(model: nn.Module, fit: FitConfig, resources: Resources, *, tokens: int) -> None:
    """What is taken beside the model that is there; for a row at a time, if more need not fit.

    Raises:
        MemoryError: It does not fit.
    """
    rows = 1 if fit.micro_batch_size == AUTO else fit.rows_at_once
    need = need_of(model, fit, rows=rows, tokens=tokens)
    check_need(need, resources.device, most_mb=fit.max_memory_mb)
