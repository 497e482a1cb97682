"""Which attention implementation is faster on a device."""

import torch

from slimtune.training.config.model import Attention

# tokens; up to it eager attention is as fast on a CPU, or faster
EAGER_LENGTH = 128


def attention_of(attention: Attention, device: torch.device, *, max_length: int) -> Attention:
    """The attention implementation; `auto` for SDPA where the model's family has it, and eager where it has not.

    On a CPU `auto` is eager up to `EAGER_LENGTH` tokens, where SDPA's backward pass gains nothing or, on machines
    that multiply bf16, takes half of a step; beyond, SDPA is up to twice as fast (`benchmarks/reports/attention.md`).
    """
    if attention is not Attention.auto:
        return attention
    return Attention.eager if device.type == "cpu" and max_length <= EAGER_LENGTH else Attention.auto
