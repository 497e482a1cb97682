"""How weights are trained: one file a method, behind one protocol (`protocol.py`)."""

from training.method_config import (
    AdaptersConfig,
    FullConfig,
    Ia3Config,
    LoraConfig,
    MethodConfig,
    PrefixTuningConfig,
    PromptTuningConfig,
)
from training.methods.adapters import Adapters
from training.methods.full import Full
from training.methods.ia3 import Ia3
from training.methods.lora import Lora
from training.methods.prefix_tuning import PrefixTuning
from training.methods.prompt_tuning import PromptTuning
from training.methods.protocol import Method, Setting

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
