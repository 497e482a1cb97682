"""Prompt tuning through peft: vectors before the embedded text are trained, and the new head."""

from dataclasses import dataclass
from typing import Any

from torch import nn
from transformers import PreTrainedModel

from slimtune.training.config.method import PromptInit, PromptTuningMethod
from slimtune.training.methods import peft_method
from slimtune.training.methods.peft_door import peft
from slimtune.training.methods.protocol import Setting
from slimtune.training.methods.virtual_tokens import is_decoder_classifier, prepared, unfit, unmergeable

PEFT_INITS = {
    PromptInit.random: peft.PromptTuningInit.RANDOM,
    PromptInit.sample_vocab: peft.PromptTuningInit.SAMPLE_VOCAB,
    PromptInit.text: peft.PromptTuningInit.TEXT,
}


@dataclass(frozen=True, slots=True)
class PromptTuning(peft_method.ByPeft):
    """As `slimtune.training.methods.protocol.Method` says."""

    config: PromptTuningMethod

    def check(self, model: PreTrainedModel, peft_task_type: str) -> None:
        """Whether virtual tokens reach the answer."""
        if is_decoder_classifier(model, peft_task_type):
            why = "transformers finds the last token of a text by its ids, which the model is not given"
            raise unfit(model, self.config.name, why)
        if model.config.is_encoder_decoder and peft_task_type != "SEQ_2_SEQ_LM":
            raise unfit(model, self.config.name, "its decoder reads token ids, which the model is not given")

    def prepare(self, model: PreTrainedModel, setting: Setting) -> nn.Module:
        """Wrap the model with fresh virtual tokens."""
        self.check(model, setting.peft_task_type)
        settings = peft.PromptTuningConfig(
            task_type=setting.peft_task_type,
            num_virtual_tokens=self.config.num_virtual_tokens,
            prompt_tuning_init=PEFT_INITS[self.config.init],
            prompt_tuning_init_text=self.config.init_text,
            tokenizer_name_or_path=model.name_or_path if self.config.init is PromptInit.text else None,
        )
        return prepared(model, settings, setting)

    def merge(self, model: Any) -> Any:
        """As the protocol says: it cannot be."""
        raise unmergeable(self.config.name)
