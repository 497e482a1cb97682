"""How weights are trained: one file a method, behind one protocol (`protocol.py`)."""

from slimtune.training.config.method import (
    AdaptersConfig,
    FullConfig,
    Ia3Config,
    LoraConfig,
    MethodConfig,
    PrefixTuningConfig,
    PromptTuningConfig,
)
from slimtune.training.methods.adapters import Adapters
from slimtune.training.methods.full import Full
from slimtune.training.methods.ia3 import Ia3
from slimtune.training.methods.lora import Lora
from slimtune.training.methods.prefix_tuning import PrefixTuning
from slimtune.training.methods.prompt_tuning import PromptTuning
from slimtune.training.methods.protocol import Method, Setting

__all__ = ["Method", "Setting", "method_of"]


def method_of(config: MethodConfig) -> Method:
    """The method that a config names."""
    match config:
        case FullConfig():
            return Full(config)
        case LoraConfig():
            return Lora(config)
        case AdaptersConfig():
            return Adapters(config)
        case Ia3Config():
            return Ia3(config)
        case PromptTuningConfig():
            return PromptTuning(config)
        case PrefixTuningConfig():
            return PrefixTuning(config)
