"""What a trial trains of its own beside the frozen base, found in its model."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from torch import nn

from slimtune.training.methods.fused_lora import FusedLora


class TrainedParts(NamedTuple):
    """What a trial has of its own, by module name in the base.

    Attributes:
        adapters: Low-rank updates.
        whole: Modules trained whole.
    """

    adapters: Mapping[str, FusedLora]
    whole: Mapping[str, nn.Module]


def parts_of(model: Any) -> TrainedParts | None:
    """The trained parts of a peft model, or None if some of them cannot share a pass with other trials."""
    has_lora = any(isinstance(part, FusedLora) for part in model.modules())
    if not hasattr(model, "peft_config") or not has_lora or _reads_without_rows(model.config):
        return None
    from peft.utils import ModulesToSaveWrapper

    adapters: dict[str, FusedLora] = {}
    whole: dict[str, nn.Module] = {}
    for name, part in model.base_model.model.named_modules():
        if isinstance(part, FusedLora) and part.plain_adapter() is not None:
            adapters[name] = part
        elif isinstance(part, ModulesToSaveWrapper):
            whole[name] = part
    owned = {id(parameter) for part in (*adapters.values(), *whole.values()) for parameter in part.parameters()}
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return TrainedParts(adapters, whole) if all(id(parameter) in owned for parameter in trained) else None


def _reads_without_rows(config: Any) -> bool:
    """Whether layers are given what belongs to no row, as DeBERTa's the vectors of distances."""
    return bool(getattr(config, "relative_attention", False) and getattr(config, "pos_att_type", None))
