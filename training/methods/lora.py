"""LoRA through peft: the base stays frozen, low-rank updates and the new head are trained."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import peft
import torch
from torch import nn
from transformers import PreTrainedModel

from training.config import LoraConfig
from training.errors import ConfigError
from training.methods.lora_linear import fused_modules
from training.methods.quantized import keep_trainable

ALL_LINEAR = "all-linear"
# layers between the encoder and the head
AUTO, POOLERS = "auto", ("pooler",)
# what peft saves whole by itself for sequence classification
HEADS = ("classifier", "score")
# shares that modules hand to torch.nn.functional.dropout
DROPOUTS = ("dropout", "attention_dropout", "activation_dropout", "classifier_dropout", "attn_dropout")


def prepare(model: PreTrainedModel, config: LoraConfig, *, peft_task_type: str, new_keys: Collection[str]) -> nn.Module:
    """Wrap the model with fresh adapters, drawn from torch's global generator.

    Args:
        model: A trial's own copy of the base.
        config: The adapters.
        peft_task_type: peft's name of the task.
        new_keys: Parameters that the checkpoint lacked: their modules are trained and saved whole. peft alone knows
            only `classifier` and `score`, and would save a model whose other new layers are lost.

    Raises:
        ConfigError: No module of the model has one of the target names.
    """
    targets = ALL_LINEAR if config.target_modules == [ALL_LINEAR] else config.target_modules
    check_names(model, config)
    silence_dropout(model)
    keep_trainable(model)
    alpha = config.alpha if config.alpha is not None else 2 * config.r
    settings = peft.LoraConfig(
        task_type=peft_task_type,
        r=config.r,
        lora_alpha=alpha,  # type: ignore[arg-type]  # peft divides; its annotation says int
        lora_dropout=config.dropout,
        target_modules=targets,
        modules_to_save=_saved_whole(model, config, new_keys),
        # a new head is trained whole, and peft spares only those of sequence classification from all-linear
        exclude_modules=_owners(new_keys) or None,
    )
    if modules := fused_modules(model):
        settings._register_custom_module(modules)
    wrapped = peft.get_peft_model(model, settings)
    for parameter in wrapped.parameters():
        if parameter.requires_grad:
            # a base in bf16 gives its copies of whole modules in bf16; the optimizer's weights are fp32
            parameter.data = parameter.data.float()
    return wrapped


def snapshot(model: Any) -> dict[str, torch.Tensor]:
    """The model's tensors as they are now: those that are trained as copies, the frozen ones themselves."""
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    return {name: tensor.clone() if name in trained else tensor for name, tensor in model.state_dict().items()}


def save(model: Any, folder: Path, state: Mapping[str, torch.Tensor]) -> None:
    """Write peft's own folder (adapter_config.json, adapter_model.safetensors) of a snapshot."""
    model.save_pretrained(folder, state_dict=state)


def _saved_whole(model: nn.Module, config: LoraConfig, new_keys: Collection[str]) -> list[str]:
    names = [name for name in config.modules_to_save if name != AUTO]
    if AUTO in config.modules_to_save:
        names += [name for name in POOLERS if _matches(model, name) and name not in names]
    for owner in _owners(new_keys):
        # a wrapper inside another wrapper would be trained in vain
        if not set(owner.split(".")) & {*names, *HEADS}:
            names.append(owner)
    return names


def _owners(keys: Collection[str]) -> list[str]:
    return sorted({key.rpartition(".")[0] for key in keys})


def check_names(model: nn.Module, config: LoraConfig) -> None:
    """Whether the model has the modules that the config names; a model without weights is enough.

    Raises:
        ConfigError: It has not; the message lists those that it has.
    """
    _check_names(model, config.target_modules, key="method.target_modules")
    _check_names(model, [name for name in config.modules_to_save if name != AUTO], key="method.modules_to_save")


def silence_dropout(model: nn.Module) -> None:
    """Switch off the base's own dropout: frozen weights need none, and it costs a third of a step on a CPU."""
    for part in model.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0
        for name in DROPOUTS:
            if isinstance(getattr(part, name, None), float):
                setattr(part, name, 0.0)


def _check_names(model: nn.Module, names: list[str], *, key: str) -> None:
    if names == [ALL_LINEAR]:
        return
    present = sorted({name.rsplit(".", 1)[-1] for name, part in model.named_modules() if isinstance(part, nn.Linear)})
    unknown = [name for name in names if not _matches(model, name)]
    if unknown:
        raise ConfigError([f"{key} has '{unknown[0]}', which the model lacks; it has {', '.join(present)}"])


def _matches(model: nn.Module, target: str) -> bool:
    return any(name == target or name.endswith(f".{target}") for name, _ in model.named_modules())
