"""Prefix tuning through peft: keys and values before those of the text are trained in every layer, and the new head."""

import inspect
from dataclasses import dataclass
from typing import Any

from torch import nn
from transformers import PreTrainedModel

from slimtune.training.config.method import PrefixTuningMethod
from slimtune.training.methods import peft_method
from slimtune.training.methods.peft_door import peft
from slimtune.training.methods.protocol import Setting
from slimtune.training.methods.virtual_tokens import prepared, unfit, unmergeable


@dataclass(frozen=True, slots=True)
class PrefixTuning(peft_method.ByPeft):
    """As `slimtune.training.methods.protocol.Method` says."""

    config: PrefixTuningMethod

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

    def merge(self, model: Any) -> Any:
        """As the protocol says: it cannot be."""
        raise unmergeable(self.config.name)
