"""The limits of an export: what is known of them before a trial, and which ones variants have broken."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from slimtune.export.config import Limits, OnnxExport, Variant
from slimtune.export.graph_names import FP32
from slimtune.training.errors import ConfigError

# of a weight, at the least; what is kept in more bits, and scales, come on top
BITS = {
    FP32: 32,
    Variant.fp16.value: 16,
    Variant.int8_dynamic.value: 8,
    Variant.int8_blockwise.value: 8,
    Variant.int8_split.value: 10,
    Variant.int8_static.value: 8,
    Variant.int4_blockwise.value: 4,
}
# weights that a graph need not have: an unused pooler, tables of which a fixed length reads a part
PERHAPS_LEFT_OUT = ("pooler", "position", "token_type", "rotary")
# of a report, and the limit on it
MOST, LEAST = ("metric_drop", "max_metric_drop"), ("agreement", "min_agreement")
SIZE, LATENCY = ("size_mb", "max_size_mb"), ("latency_ms", "max_latency_ms")


def check_size(model: torch.nn.Module, config: OnnxExport) -> None:
    """Whether a variant that is asked for can be as small as it must be; how fast one is nobody knows before.

    Args:
        model: Its weights are counted, and not read.
        config: What will be tried.

    Raises:
        ConfigError: None can be.
    """
    _check_least(model, config.variants, "export.max_size_mb", config.max_size_mb)


def check_gate_size(model: torch.nn.Module, config: OnnxExport, max_size_mb: float | None) -> None:
    """The same of what the gate asks for, which would refuse the bundle after the search.

    Args:
        model: As above.
        config: As above.
        max_size_mb: `promotion.max_size_mb`.

    Raises:
        ConfigError: No variant can pass.
    """
    _check_least(model, config.variants, "promotion.max_size_mb", max_size_mb)


def _check_least(model: torch.nn.Module, variants: Sequence[Variant], key: str, max_size_mb: float | None) -> None:
    if max_size_mb is None:
        return
    count = sum(
        weights.numel()
        for name, weights in model.named_parameters()
        if not any(part in name for part in PERHAPS_LEFT_OUT)
    )
    tried = [FP32, *(one.value for one in variants)]
    smallest = min(tried, key=lambda name: BITS[name])
    least_mb = count * BITS[smallest] / 8e6
    if least_mb > max_size_mb:
        raise ConfigError(
            [
                f"{key} is {max_size_mb:g}, but {smallest}, the smallest of what is tried, has at least "
                f"{least_mb:.3g} MB in weights alone; raise it, take a smaller model"
                f"{'' if BITS[smallest] == min(BITS.values()) else ', or try smaller variants, e.g. int4_blockwise'}"
            ]
        )


def none_passed(reports: Sequence[Mapping[str, Any]], limits: Limits) -> str:
    """What is said where no variant is within the limits: each limit that was broken, and the best that was found.

    Args:
        reports: Of PyTorch and of each variant, as plain values.
        limits: What a variant may cost.
    """
    found = [{**one, "latency_ms": one["timing"]["latency_ms"]} for one in reports if one["name"] != "pytorch"]
    told = []
    for measured, key in (MOST, LEAST, SIZE, LATENCY):
        limit = getattr(limits, key)
        if limit is None:
            continue
        sign = -1 if key == LEAST[1] else 1
        broken = [one for one in found if sign * one[measured] > sign * limit]
        if broken:
            best = min(found, key=lambda one: sign * one[measured])
            names = ", ".join(one["name"] for one in broken)
            told.append(
                f"export.{key} is {limit:g}, which {names} missed (the best {measured} is {best[measured]:z.4g}, of "
                f"{best['name']})"
            )
    return f"no variant is within the limits: {'; '.join(told)}; change a limit, or export.variants"
