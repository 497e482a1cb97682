"""LoRA through peft: the base stays frozen, low-rank updates and the new head are trained."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from slimtune.training.config.method import LoraMethod
from slimtune.training.errors import ConfigError
from slimtune.training.methods import peft_method
from slimtune.training.methods.fused_lora_layers import fused_modules
from slimtune.training.methods.modules import check_names, owners, saved_whole
from slimtune.training.methods.peft_door import peft
from slimtune.training.methods.protocol import Setting
from slimtune.training.methods.quantized import has_quantized

ALL_LINEAR = "all-linear"
# where a model keeps the adapters that it began with, when they were taken out of the base
START = "_slimtune_start"
DOWN, UP = "lora_A", "lora_B"


@dataclass(frozen=True, slots=True)
class Lora(peft_method.ByPeft):
    """As `slimtune.training.methods.protocol.Method` says."""

    config: LoraMethod

    @property
    def shares_base(self) -> bool:  # type: ignore[override]
        """Not if the adapters are taken out of the base's weights; what is left in bf16 would not add up again."""
        return not self.config.mutates_base

    def check(self, model: PreTrainedModel, peft_task_type: str) -> None:
        """Whether the model has the modules that the config names."""
        if self.config.target_modules != [ALL_LINEAR]:
            check_names(model, self.config.target_modules, key="method.target_modules")
        check_names(model, self.config.modules_to_save, key="method.modules_to_save")
        for key in ("rank_pattern", "alpha_pattern"):
            check_names(model, getattr(self.config, key) or (), key=f"method.{key}")
        if self.config.init_lora_weights == "olora" and any(isinstance(part, Conv1D) for part in model.modules()):
            raise ConfigError(
                [
                    f"method.init_lora_weights is olora, which peft does not support for the Conv1D layers of a "
                    f"{model.config.model_type}; use pissa"
                ]
            )

    def prepare(self, model: PreTrainedModel, setting: Setting) -> nn.Module:
        """Wrap the model with fresh adapters.

        Modules of parameters that the checkpoint lacked are trained and saved whole: peft alone knows only
        `classifier` and `score`, and would save a model whose other new layers are lost.
        """
        config = self.config
        self.check(model, setting.peft_task_type)
        if config.mutates_base and has_quantized(model):
            raise ConfigError(
                [
                    f"method.init_lora_weights is {config.init_lora_weights}, which takes the adapters out of weights "
                    "that are not quantized; use default, or model.quantization=null"
                ]
            )
        settings = peft.LoraConfig(
            task_type=setting.peft_task_type,
            r=config.r,
            lora_alpha=config.lora_alpha,  # type: ignore[arg-type]  # peft divides; its annotation says int
            lora_dropout=config.dropout,
            target_modules=ALL_LINEAR if config.target_modules == [ALL_LINEAR] else list(config.target_modules),
            modules_to_save=saved_whole(model, config.modules_to_save, setting.new_keys),
            # a new head is trained whole, and peft spares only those of sequence classification from all-linear
            exclude_modules=owners(setting.new_keys) or None,
            use_rslora=config.use_rslora,
            use_dora=config.use_dora,
            init_lora_weights=True if config.init_lora_weights == "default" else config.init_lora_weights,  # type: ignore[arg-type]
            rank_pattern=dict(config.rank_pattern or {}),
            alpha_pattern=dict(config.alpha_pattern or {}),
        )
        if modules := fused_modules(model):
            settings._register_custom_module(modules)
        wrapped = peft_method.wrapped(model, settings)
        if config.mutates_base:
            start = peft_method.snapshot(wrapped)
            setattr(wrapped, START, {name: tensor for name, tensor in start.items() if DOWN in name or UP in name})
        return wrapped  # type: ignore[no-any-return]

    def save(self, model: Any, folder: Path, state: Mapping[str, torch.Tensor] | None) -> None:
        """Write peft's own folder; adapters that were taken out of the base are written as what they add to it."""
        state = self.snapshot(model) if state is None else state
        if self.config.mutates_base:
            _save_difference(model, folder, state)
        else:
            peft_method.save(model, folder, state)


def _save_difference(model: Any, folder: Path, state: Mapping[str, torch.Tensor]) -> None:
    """A plain adapter of twice the rank: BA - B0 A0 = [B, -B0] [A; A0], on the base as it was.

    Source: Meng et al. 2024, https://arxiv.org/abs/2404.02948, appendix C. peft's own conversion loses the modules
    that are trained whole.
    """
    start: dict[str, torch.Tensor] = getattr(model, START)
    tensors = dict(state)
    for name, tensor in start.items():
        both = [state[name], tensor] if DOWN in name else [state[name], -tensor]
        tensors[name] = torch.cat(both, dim=0 if DOWN in name else 1)
    config = peft_method.own_config(model)
    # alpha / r stays, or alpha / sqrt(r)
    growth = math.sqrt(2) if config.use_rslora else 2
    config.r *= 2
    config.lora_alpha *= growth
    config.rank_pattern = {name: 2 * rank for name, rank in config.rank_pattern.items()}
    config.alpha_pattern = {name: growth * alpha for name, alpha in config.alpha_pattern.items()}
    config.init_lora_weights = True
    peft_method.write(folder, tensors, config)
