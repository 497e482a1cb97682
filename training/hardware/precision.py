"""The precision that a trial computes in."""

import torch

from slimtune.training.config.fit import Precision
from slimtune.training.errors import ConfigError


def resolved_precision(asked: Precision, device: torch.device) -> Precision:
    """The precision, never `auto`: bf16 where the device multiplies it in hardware.

    Raises:
        ConfigError: The device does not train in it.
    """
    if asked is Precision.auto:
        return Precision.bf16 if has_native_bf16(device) else Precision.fp32
    if asked is Precision.fp16 and device.type == "cpu":
        raise ConfigError(["fit.precision is fp16, which a CPU does not train in; use bf16 or fp32"])
    return asked


def has_native_bf16(device: torch.device) -> bool:
    """Whether the device multiplies bf16 matrices in hardware."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    cpu = torch.cpu.get_capabilities()
    return bool(cpu.get("amx_bf16") or cpu.get("avx512_bf16"))
