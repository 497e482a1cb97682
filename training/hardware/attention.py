"""Which attention implementation is faster on a device."""

import torch

from slimtune.training.config.fit import Precision
from slimtune.training.config.model import Attention

# tokens; up to it eager attention is as fast on a CPU, or faster
EAGER_LENGTH = 128
# SDPA's passes in bf16 have no fast products there
EAGER_LENGTH_BF16 = 256


def attention_of(
    attention: Attention, device: torch.device, *, max_length: int, precision: Precision = Precision.fp32
) -> Attention:
    """The attention implementation; `auto` for SDPA where the model's family has it, and eager where it has not.

    On a CPU `auto` is eager up to `EAGER_LENGTH` tokens (in bf16 `EAGER_LENGTH_BF16`), where SDPA's backward pass gains
    nothing or, in bf16, takes half of a step; beyond, SDPA is up to twice as fast (`benchmarks/reports/attention.md`).
    """
    if attention is not Attention.auto:
        return attention
    length = EAGER_LENGTH_BF16 if precision is Precision.bf16 else EAGER_LENGTH
    return Attention.eager if device.type == "cpu" and max_length <= length else Attention.auto
