"""A trial's optimizer: which parameters decay, which move faster, and what moves them."""

from collections.abc import Collection
from typing import Any

import torch
from torch import nn

from slimtune.training.config.fit import FitConfig, OptimizerName
from slimtune.training.errors import ConfigError
from slimtune.training.methods.quantized import paged_or_8bit_adamw

# a group's learning rate over the trial's
RATIO = "lr_ratio"
# what peft puts around a parameter's name
WRAPPERS = ("base_model", "model", "modules_to_save", "default")


def make_optimizer(model: nn.Module, fit: FitConfig, new_keys: Collection[str]) -> torch.optim.Optimizer:
    """The optimizer that the config names, over all trained parameters.

    Args:
        model: Its parameters with a gradient are trained.
        fit: Learning rate, decay, ratios.
        new_keys: Names that the layers which the checkpoint lacked have in the base.

    Raises:
        ConfigError: It needs a device that is not the model's.
    """
    groups = parameter_groups(model, fit, new_keys)
    devices = {parameter.device.type for parameter in model.parameters()}
    match fit.optimizer:
        case OptimizerName.adamw:
            return torch.optim.AdamW(groups, lr=fit.learning_rate, fused=True)
        case OptimizerName.adafactor:
            return torch.optim.Adafactor(groups, lr=fit.learning_rate)
        case OptimizerName.adamw_8bit | OptimizerName.paged_adamw | OptimizerName.paged_adamw_8bit as which:
            check_optimizer(fit, devices)
            bits = 8 if "8bit" in which.value else 32
            return paged_or_8bit_adamw(groups, lr=fit.learning_rate, bits=bits, paged="paged" in which.value)


def check_optimizer(fit: FitConfig, devices: Collection[str]) -> None:
    """Whether an optimizer moves weights that lie on these types of devices.

    Raises:
        ConfigError: It needs a GPU.
    """
    if fit.optimizer not in (OptimizerName.adamw, OptimizerName.adafactor) and set(devices) != {"cuda"}:
        name = fit.optimizer.value
        raise ConfigError([f"fit.optimizer is {name}, which moves weights on a GPU; here use adamw or adafactor"])


def parameter_groups(model: nn.Module, fit: FitConfig, new_keys: Collection[str]) -> list[dict[str, Any]]:
    """Trained parameters by decay and learning rate: matrices decay, biases and norms do not."""
    heads = {_plain(key) for key in new_keys}
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            ratio = _ratio(name, fit, heads)
            groups.setdefault((fit.weight_decay if parameter.ndim >= 2 else 0.0, ratio), []).append(parameter)
    # matrices first
    ordered = sorted(groups.items(), key=lambda item: (-item[0][0], item[0][1]))
    return [{"params": params, "weight_decay": decay, RATIO: ratio} for (decay, ratio), params in ordered]


def set_learning_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """Let each group move by its share of the rate."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate * group[RATIO]


def _ratio(name: str, fit: FitConfig, heads: Collection[str]) -> float:
    if "lora_B" in name:
        return fit.loraplus_lr_ratio
    return fit.head_lr_ratio if _plain(name) in heads else 1.0


def _plain(name: str) -> str:
    """A parameter's name without wrappers, wherever they stand."""
    return ".".join(part for part in name.split(".") if part not in WRAPPERS)
