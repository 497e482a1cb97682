"""The door to peft, which brings bitsandbytes with it only for models that are quantized."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from torch import nn

from slimtune.training.methods.quantized import has_quantized, unseen

with unseen():
    import peft
    import peft.tuners.lora
    import peft.utils
    from peft.import_utils import is_bnb_4bit_available, is_bnb_available

__all__ = ["peft", "peft_for"]


@contextmanager
def peft_for(model: nn.Module) -> Iterator[None]:
    """Around peft's work on the layers of a model: it sees bitsandbytes if they are quantized."""
    is_needed = has_quantized(model)
    with nullcontext() if is_needed else unseen():
        _forget()
        try:
            yield
        finally:
            _forget()


def _forget() -> None:
    """Let peft look anew whether bitsandbytes is installed; it remembers the answer."""
    is_bnb_available.cache_clear()
    is_bnb_4bit_available.cache_clear()
