"""IA3 through peft: factors of activations are trained, and the new head."""

from dataclasses import dataclass

from torch import nn
from transformers import PreTrainedModel

from slimtune.training.config.method import Ia3Method
from slimtune.training.errors import ConfigError
from slimtune.training.methods import peft_method
from slimtune.training.methods.modules import check_names, linear_names, saved_whole
from slimtune.training.methods.peft_door import peft
from slimtune.training.methods.protocol import Setting

# families that peft 0.21 has no choice for: keys, values and the input of the last feed-forward layer
MORE = {
    "phi3": (["qkv_proj", "down_proj"], ["down_proj"]),
    "distilbert": (["k_lin", "v_lin", "lin2"], ["lin2"]),
    "modernbert": (["Wqkv", "mlp.Wo"], ["mlp.Wo"]),
}


@dataclass(frozen=True, slots=True)
class Ia3(peft_method.ByPeft):
    """As `slimtune.training.methods.protocol.Method` says."""

    config: Ia3Method

    def check(self, model: PreTrainedModel, peft_task_type: str) -> None:
        """Whether the model has the modules that the config names, or is of a family with a choice."""
        targets, inputs = self._targets(model)
        check_names(model, targets, key="method.target_modules")
        check_names(model, inputs, key="method.feedforward_modules")
        check_names(model, self.config.modules_to_save, key="method.modules_to_save")

    def _targets(self, model: PreTrainedModel) -> tuple[list[str], list[str]]:
        if self.config.target_modules is not None:
            return list(self.config.target_modules), list(self.config.feedforward_modules or [])
        family = model.config.model_type
        if family in MORE:
            return MORE[family]
        known = peft.utils.constants
        if family in known.TRANSFORMERS_MODELS_TO_IA3_TARGET_MODULES_MAPPING:
            targets = known.TRANSFORMERS_MODELS_TO_IA3_TARGET_MODULES_MAPPING[family]
            return list(targets), list(known.TRANSFORMERS_MODELS_TO_IA3_FEEDFORWARD_MODULES_MAPPING[family])
        present = ", ".join(linear_names(model))
        raise ConfigError([f"method.target_modules is null, and {family} has no usual ones; name some of {present}"])

    def prepare(self, model: PreTrainedModel, setting: Setting) -> nn.Module:
        """Wrap the model with factors of one."""
        targets, inputs = self._targets(model)
        settings = peft.IA3Config(
            task_type=setting.peft_task_type,
            target_modules=targets,
            feedforward_modules=inputs,
            modules_to_save=saved_whole(model, self.config.modules_to_save, setting.new_keys),
        )
        wrapped: nn.Module = peft_method.wrapped(model, settings)
        return wrapped
