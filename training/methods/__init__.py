"""How weights are trained: one file a method, behind one protocol (`protocol.py`)."""

from slimtune.training.config.method import (
    AdaptersMethod,
    FullMethod,
    Ia3Method,
    LoraMethod,
    MethodConfig,
    PrefixTuningMethod,
    PromptTuningMethod,
)
from slimtune.training.methods.protocol import Method, Setting

__all__ = ["Method", "Setting", "method_of"]


def method_of(config: MethodConfig) -> Method:
    """The method that a config names; only its own module is imported."""
    match config:
        case FullMethod():
            from slimtune.training.methods.full import Full

            return Full(config)
        case LoraMethod():
            from slimtune.training.methods.lora import Lora

            return Lora(config)
        case AdaptersMethod():
            from slimtune.training.methods.adapters import Adapters

            return Adapters(config)
        case Ia3Method():
            from slimtune.training.methods.ia3 import Ia3

            return Ia3(config)
        case PromptTuningMethod():
            from slimtune.training.methods.prompt_tuning import PromptTuning

            return PromptTuning(config)
        case PrefixTuningMethod():
            from slimtune.training.methods.prefix_tuning import PrefixTuning

            return PrefixTuning(config)
