"""Frozen weights that bitsandbytes keeps in 4 bits, as matrices to multiply with. The only door to bitsandbytes."""

from typing import Any

import torch
from bitsandbytes.functional import dequantize_4bit
from torch import nn


def is_4bit(layer: nn.Module) -> bool:
    """Whether a layer's weight is kept in 4 bits."""
    return quant_state_of(layer) is not None


def quant_state_of(layer: nn.Module) -> Any:
    """bitsandbytes' `QuantState` of a layer's weight, or None if it is an ordinary one."""
    return getattr(getattr(layer, "weight", None), "quant_state", None)


def weight_matrix(weight: torch.Tensor, quant_state: Any, dtype: torch.dtype) -> torch.Tensor:
    """The weight (O, I) in `dtype`: as it is, or from its 4 bits.

    Source: Dettmers et al. 2023, https://arxiv.org/abs/2305.14314, section 3 (double dequantization).
    """
    if quant_state is None:
        return weight.to(dtype)
    matrix: torch.Tensor = dequantize_4bit(weight, quant_state)
    return matrix.to(dtype)


def keep_trainable(model: nn.Module) -> None:
    """Forbid bitsandbytes to repack 4-bit weights for inference on a CPU.

    bitsandbytes 0.50 does so in `eval()`, and gradients after it are wrong, at the same loss.
    """
    for layer in model.modules():
        if is_4bit(layer):
            setattr(layer, "support_avx512bf16_for_cpu", False)  # noqa: B010  # a plain attribute of bitsandbytes
