"""Frozen weights that bitsandbytes keeps in 4 bits, as matrices to multiply with. The only door to bitsandbytes."""

import logging
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from transformers import BitsAndBytesConfig, PreTrainedModel

from slimtune.training.extras import needs


@contextmanager
def unseen() -> Iterator[None]:
    """Let bitsandbytes look as if it were not installed, unless it is in use already.

    peft imports it wherever it is installed, which takes over a second, and asks it only about quantized layers.
    """
    if "bitsandbytes" in sys.modules:
        yield
        return
    sys.modules["bitsandbytes"] = None  # type: ignore[assignment]  # importing it raises ImportError
    try:
        yield
    finally:
        del sys.modules["bitsandbytes"]


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
    from bitsandbytes.functional import dequantize_4bit

    matrix: torch.Tensor = dequantize_4bit(weight, quant_state)
    return matrix.to(dtype)


def keep_trainable(model: nn.Module) -> None:
    """Forbid bitsandbytes to repack 4-bit weights for inference on a CPU.

    bitsandbytes 0.50 does so in `eval()`, and gradients after it are wrong, at the same loss.
    """
    for layer in model.modules():
        if is_4bit(layer):
            setattr(layer, "support_avx512bf16_for_cpu", False)  # noqa: B010  # a plain attribute of bitsandbytes


def is_quantized(layer: nn.Module) -> bool:
    """Whether a layer's weight is kept in 4 or 8 bits."""
    return is_4bit(layer) or is_8bit(layer)


def has_quantized(model: nn.Module) -> bool:
    """Whether any layer of a model is such."""
    return any(is_quantized(part) for part in model.modules())


def is_8bit(layer: nn.Module) -> bool:
    """Whether a layer is bitsandbytes' `Linear8bitLt`; none is before bitsandbytes has been imported."""
    loaded: Any = sys.modules.get("bitsandbytes.nn.modules")
    return loaded is not None and isinstance(layer, loaded.Linear8bitLt)


def quantization_config(kind: str, *, double: bool, dtype: torch.dtype, skip: Collection[str]) -> BitsAndBytesConfig:
    """What transformers quantizes by while it loads.

    Args:
        kind: `nf4`, `fp4` or `int8`.
        double: Whether the scales of 4 bits are quantized too.
        dtype: What it computes in.
        skip: Names of modules that stay as they are.

    Raises:
        UserError: bitsandbytes is not installed.
    """
    needs("bitsandbytes", needed_for=f"model.quantization={kind}")
    settings: Any = BitsAndBytesConfig
    # it tells of every product that it computes in fp16
    logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)
    if kind == "int8":
        return settings(load_in_8bit=True, llm_int8_skip_modules=list(skip))  # type: ignore[no-any-return]
    return settings(  # type: ignore[no-any-return]
        load_in_4bit=True,
        bnb_4bit_quant_type=kind,
        bnb_4bit_use_double_quant=double,
        bnb_4bit_compute_dtype=dtype,
        llm_int8_skip_modules=list(skip),
    )


def dequantized(model: PreTrainedModel) -> PreTrainedModel:
    """The model with plain fp32 weights of the same values; it is changed in place."""
    plain: Any = model.dequantize(dtype=torch.float32)  # type: ignore[no-untyped-call]
    return plain.float()  # type: ignore[no-any-return]


def share_codes(model: nn.Module) -> None:
    """Let copies of the model find the 8-bit weights: bitsandbytes takes them off the parameter in the first pass."""
    for part in model.modules():
        layer: Any = part
        if is_8bit(part) and layer.weight.CB is not None:
            layer.init_8bit_state()


def shared_tensors(model: nn.Module) -> list[torch.Tensor]:
    """What quantized layers keep beside their parameters: codes and scales, which copies of a model can share."""
    kept: list[torch.Tensor] = []
    for layer in model.modules():
        if is_quantized(layer):
            owners = (layer, layer.weight, getattr(layer, "state", None), quant_state_of(layer))
            kept += [one for owner in owners if owner is not None for one in _tensors(owner)]
    return kept


def _tensors(owner: Any) -> list[torch.Tensor]:
    return [one for one in vars(owner).values() if isinstance(one, torch.Tensor)]


def paged_or_8bit_adamw(groups: list[dict[str, Any]], *, lr: float, bits: int, paged: bool) -> torch.optim.Optimizer:
    """AdamW whose moments are kept in 8 or 32 bits, and in host memory while the GPU lacks room.

    Source: Dettmers et al. 2021, https://arxiv.org/abs/2110.02861.
    """
    from bitsandbytes.optim.adamw import AdamW, AdamW8bit

    make: Any = AdamW8bit if bits == 8 else AdamW
    optimizer: torch.optim.Optimizer = make(groups, lr=lr, is_paged=paged)
    return optimizer


def keep_paged(optimizer: Any) -> None:
    """Bring loaded moments back into pages of host memory, if the optimizer keeps them there."""
    if not getattr(optimizer, "is_paged", False):
        return
    for parameter, values in optimizer.state.items():
        for key, value in values.items():
            if isinstance(value, torch.Tensor) and value.shape == parameter.shape:
                values[key] = optimizer.get_state_buffer(parameter, dtype=value.dtype).copy_(value)
