"""Modules of a model by their names: whether they are there, which are trained whole."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from slimtune.training.errors import ConfigError
from slimtune.training.methods.protocol import AUTO, HEADS, POOLERS

# shares that modules hand to torch.nn.functional.dropout
DROPOUTS = ("dropout", "attention_dropout", "activation_dropout", "classifier_dropout", "attn_dropout")


def unwrapped(model: Any) -> Any:
    """transformers' own model inside of peft's."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def silence_dropout(model: nn.Module) -> None:
    """Switch off the base's own dropout: frozen weights need none, and it costs a third of a step on a CPU."""
    set_dropout(model, 0.0)


def set_dropout(model: nn.Module, share: float) -> None:
    """Let all of the model's own layers drop this share of their values."""
    for part in model.modules():
        if isinstance(part, nn.Dropout):
            part.p = share
        for name in DROPOUTS:
            if isinstance(getattr(part, name, None), float):
                setattr(part, name, share)


def is_named(name: str, target: str) -> bool:
    """Whether a module's name is the target, or ends with it."""
    return name == target or name.endswith(f".{target}")


def matches(model: nn.Module, target: str) -> bool:
    """Whether the model has a module of this name."""
    return any(is_named(name, target) for name, _ in model.named_modules())


def replace_module(model: nn.Module, name: str, part: nn.Module) -> None:
    """Put another module in a module's place."""
    owner, _, leaf = name.rpartition(".")
    setattr(model.get_submodule(owner), leaf, part)


def layer_stacks(model: nn.Module) -> list[nn.ModuleList]:
    """The transformer layers: the longest lists of modules that no other such list contains."""
    lists = {name: part for name, part in model.named_modules() if isinstance(part, nn.ModuleList) and len(part) > 0}
    outer = {name: part for name, part in lists.items() if not any(name.startswith(f"{other}.") for other in lists)}
    return list(outer.values())


def tensors_of(model: nn.Module) -> dict[str, torch.Tensor]:
    """As `model.state_dict()`, which would take a model apart again whose sharded weights are whole for a moment."""
    volatile = {
        f"{name}.{buffer}" if name else buffer
        for name, part in model.named_modules(remove_duplicate=False)
        for buffer in part._non_persistent_buffers_set
    }
    tensors: dict[str, torch.Tensor] = dict(model.named_parameters(remove_duplicate=False))
    buffers = model.named_buffers(remove_duplicate=False)
    return tensors | {name: buffer for name, buffer in buffers if name not in volatile}


def check_names(model: nn.Module, names: Iterable[str], *, key: str) -> None:
    """Whether the model has modules of these names.

    Raises:
        ConfigError: One is missing; the message lists the linear layers that the model has.
    """
    unknown = [name for name in names if name != AUTO and not matches(model, name)]
    if unknown:
        present = ", ".join(linear_names(model))
        raise ConfigError([f"{key} has '{unknown[0]}', which the model lacks; it has {present}"])


def linear_names(model: nn.Module) -> list[str]:
    """The last parts of the names of its linear layers, in order."""
    return sorted({name.rsplit(".", 1)[-1] for name, part in model.named_modules() if is_linear(part)})


def is_linear(part: nn.Module) -> bool:
    """Whether a module multiplies by a matrix: GPT-2's `Conv1D` does too."""
    return isinstance(part, nn.Linear | Conv1D)


def saved_whole(model: nn.Module, modules_to_save: Sequence[str], new_keys: Collection[str]) -> list[str]:
    """Modules that are trained and saved whole, beside those that peft takes by itself: what the config names, and
    the owners of parameters that the checkpoint lacked.
    """
    names = [name for name in modules_to_save if name != AUTO]
    if AUTO in modules_to_save:
        names += [name for name in POOLERS if matches(model, name) and name not in names]
    for owner in owners(new_keys):
        # a wrapper inside another wrapper would be trained in vain
        if not set(owner.split(".")) & {*names, *HEADS}:
            names.append(owner)
    return names


def owners(keys: Collection[str]) -> list[str]:
    """Names of the modules that the parameters belong to."""
    return sorted({key.rpartition(".")[0] for key in keys})
