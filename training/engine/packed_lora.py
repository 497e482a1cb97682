"""One forward pass for several LoRA trials: the frozen base runs once, each trial's own layers on its own rows."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import nn

from slimtune.training.methods.fused_lora import FusedLora, RowSpan, lora_linear
from slimtune.training.methods.modules import replace_module, silence_dropout
from slimtune.training.methods.quantized import is_4bit
from slimtune.training.models.loading import Base


class TrainedParts(NamedTuple):
    """What a trial has of its own, by module name in the base.

    Attributes:
        adapters: Low-rank updates.
        whole: Modules trained whole.
    """

    adapters: Mapping[str, FusedLora]
    whole: Mapping[str, nn.Module]


class Segment(NamedTuple):
    """The rows of a batch that are one trial's: its key, and how many they are."""

    key: int
    num_rows: int


class SegmentTable:
    """The segments of the batch that is under way, in the order of its rows."""

    def __init__(self) -> None:
        self.segments: Sequence[Segment] = ()


def parts_of(model: Any) -> TrainedParts | None:
    """The trained parts of a peft model, or None if some of them cannot share a pass with other trials."""
    if not hasattr(model, "peft_config") or _reads_without_rows(model.config):
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


class PackedLoraModel:
    """The base with room for the parts of several trials."""

    def __init__(self, base: Base) -> None:
        self._table = SegmentTable()
        # every tensor is the base's own
        self.model: Any = copy.deepcopy(base.model, {id(tensor): tensor for tensor in base.model.parameters()})
        silence_dropout(self.model)
        self.model.requires_grad_(requires_grad=False)
        self.model.train()
        self._linears: dict[str, _PackedLoraLinear] = {}
        self._whole: dict[str, _PackedWhole] = {}
        for name, part in list(self.model.named_modules()):
            if type(part) is nn.Linear or (isinstance(part, nn.Linear) and is_4bit(part)):
                self._linears[name] = _PackedLoraLinear(part, self._table)
                replace_module(self.model, name, self._linears[name])

    def join(self, key: int, parts: TrainedParts) -> None:
        """Make room for a trial's parts."""
        for name, part in parts.adapters.items():
            self._linears[name].layers[key] = part
        for name, whole in parts.whole.items():
            if name not in self._whole:
                self._whole[name] = _PackedWhole(self.model.get_submodule(name), self._table)
                replace_module(self.model, name, self._whole[name])
            self._whole[name].owned[key] = whole

    def leave(self, key: int) -> None:
        """Forget a trial's parts."""
        for linear in self._linears.values():
            linear.layers.pop(key, None)
        for whole in self._whole.values():
            whole.owned.pop(key, None)

    def set_segments(self, segments: Sequence[Segment]) -> None:
        """Say whose rows the next batch has, in their order."""
        self._table.segments = tuple(segments)


class _PackedLoraLinear(nn.Module):
    def __init__(self, layer: nn.Linear, table: SegmentTable) -> None:
        super().__init__()
        # models look at a layer's weight, e.g. for its dtype
        self.weight, self.bias = layer.weight, layer.bias
        self._layer = [layer]
        self._table = table
        self.layers: dict[int, FusedLora] = {}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        spans = []
        for key, num_rows in self._table.segments:
            part = self.layers.get(key)
            spans.append(RowSpan(num_rows, part.plain_adapter() if part is not None else None))
        if sum(span.size for span in spans) != x.shape[0]:
            raise RuntimeError(f"a layer got {x.shape[0]} rows of a pass of {sum(span.size for span in spans)}")
        return lora_linear(x, self._layer[0], spans)


class _PackedWhole(nn.Module):
    """Gives each trial's rows to its own module; rows of a trial without one go through the base's."""

    def __init__(self, shared: nn.Module, table: SegmentTable) -> None:
        super().__init__()
        self.shared = shared
        self._table = table
        # not registered: they are the trials' own
        self.owned: dict[int, nn.Module] = {}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        segments = self._table.segments
        outputs = []
        for segment, rows in zip(segments, torch.split(x, [one.num_rows for one in segments]), strict=True):
            self._table.segments = (segment,)
            outputs.append(self.owned.get(segment.key, self.shared)(rows))
        self._table.segments = segments
        return torch.cat(outputs)
