"""peft's LoRA layers with our forward and backward pass in them."""

from torch import nn

from slimtune.training.methods.fused_lora import FusedLora
from slimtune.training.methods.peft_door import peft
from slimtune.training.methods.quantized import is_4bit


class FusedLoraLinear(FusedLora, peft.tuners.lora.Linear):
    """peft's LoRA layer over an `nn.Linear`."""


def fused_modules(model: nn.Module) -> dict[type[nn.Module], type[nn.Module]]:
    """What to give to peft's `_register_custom_module`: our layer by type of the model's layers.

    Nothing if the model has other kinds of linear layers: peft has layers of its own for them.
    """
    types = {type(part): is_4bit(part) for part in model.modules() if isinstance(part, nn.Linear)}
    if any(kind is not nn.Linear and not quantized for kind, quantized in types.items()):
        return {}
    # the subclass first: peft takes the first that a layer is an instance of
    ordered = sorted(types, key=lambda kind: kind is nn.Linear)
    return {kind: _over_4_bits() if types[kind] else FusedLoraLinear for kind in ordered}


def _over_4_bits() -> type[nn.Module]:
    from slimtune.training.methods.fused_lora_4bit import FusedLora4bit

    return FusedLora4bit
