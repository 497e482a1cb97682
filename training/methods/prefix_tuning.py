"""Prefix tuning through peft: keys and values before those of the text are trained in every layer, and the new head."""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import peft
import torch
from torch import nn
from transformers import PreTrainedModel

from training.method_config import PrefixTuningConfig
from training.methods import peft_model
from training.methods.prompts import prepared, unfit, unmergeable
from training.methods.protocol import Setting


class PrefixTuning(NamedTuple):
    """As `training.methods.protocol.Method` says."""

    config: PrefixTuningConfig
    shares_base: bool = True
    exact_base: bool = False

    def check(self, model: PreTrainedModel, peft_task_type: str) -> None:
        """Whether the model's layers take keys and values from before the text."""
        backbone = getattr(model, model.base_model_prefix, model)
        takes_past = "past_key_values" in inspect.signature(backbone.forward).parameters
        writes = peft_task_type == "SEQ_2_SEQ_LM"
        if not takes_past or (model.config.is_encoder_decoder and not writes):
            raise unfit(model, self.config.name, "its layers take no keys and values from before the text")

    def prepare(self, model: PreTrainedModel, setting: Setting) -> nn.Module:
        """Wrap the model with a fresh prefix."""
        self.check(model, setting.peft_task_type)
        size = self.config.projection_size
        settings = peft.PrefixTuningConfig(
            task_type=setting.peft_task_type,
            num_virtual_tokens=self.config.num_virtual_tokens,
            prefix_projection=size is not None,
            encoder_hidden_size=size,  # type: ignore[arg-type]  # its default is None
        )
        return prepared(model, settings, setting)

    def snapshot(self, model: Any) -> Mapping[str, torch.Tensor]:
        """As the protocol says."""
        return peft_model.snapshot(model)

    def save(self, model: Any, folder: Path, state: Mapping[str, torch.Tensor] | None) -> None:
        """Write peft's own folder."""
        peft_model.save(model, folder, self.snapshot(model) if state is None else state)

    def load(self, model: PreTrainedModel, folder: Path) -> nn.Module:
        """As the protocol says."""
        return peft_model.load(model, folder)

    def merge(self, model: Any) -> Any:
        """As the protocol says: it cannot be."""
        raise unmergeable(self.config.name)
