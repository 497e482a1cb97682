"""ONNX graphs of encoders: class scores, tag scores, text vectors, numbers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from slimtune.export.graph_names import BATCH, EMBEDDING, INPUTS, LOGITS, MODEL, PAIR_INPUTS, SEQUENCE
from slimtune.export.graphs.tracing import Axes, Ports, trace
from slimtune.training.config.task import Pooling
from slimtune.training.data.batching import Batch
from slimtune.training.tasks import Task
from slimtune.training.tasks.similarity import pooled

SAMPLE_ROWS, SAMPLE_TOKENS = 2, 7


class _Logits(nn.Module):
    """Positional inputs (B, T) to class scores (B, C), or to those of every token (B, T, C)."""

    def __init__(self, model: nn.Module, names: Sequence[str]) -> None:
        super().__init__()
        self.model = model
        self._names = tuple(names)

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.model(**dict(zip(self._names, inputs, strict=True))).logits
        return logits


class _Vectors(nn.Module):
    """Positional inputs (B, T) to one vector a row (B, D)."""

    def __init__(self, model: nn.Module, names: Sequence[str], pooling: Pooling) -> None:
        super().__init__()
        self.model = model
        self._names, self._pooling = tuple(names), pooling

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        given = dict(zip(self._names, inputs, strict=True))
        states_BTD = self.model(**given).last_hidden_state
        return pooled(states_BTD, given["attention_mask"], self._pooling)


class _Numbers(nn.Module):
    """Positional inputs (B, T) to what the task makes of the model's output, (B) or (B, C)."""

    def __init__(self, model: nn.Module, names: Sequence[str], task: Task) -> None:
        super().__init__()
        self.model = model
        self._names, self._task = tuple(names), task

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        # a batch has labels, and no number depends on them
        return self._task.logits(self.model, Batch(dict(zip(self._names, inputs, strict=True)), inputs[0][:, 0]))


def export_numbers(model: Any, folder: Path | None, *, opset: int, inputs: Sequence[str], task: Task) -> None:
    """Write `model.onnx`; inputs are int64 (B, T), the output is float32, as the task's `logits` gives it.

    Args:
        model: A merged transformers model in fp32, on the CPU.
        folder: Where to write; None only tries.
        opset: ONNX operator set.
        inputs: Their names, `INPUTS` or `PAIR_INPUTS`.
        task: What the model's output means.
    """
    _trace(_Numbers(model, inputs, task), folder, LOGITS, opset=opset, inputs=inputs)


def export_graph(
    model: Any, folder: Path | None, *, opset: int, inputs: Sequence[str] = INPUTS, pooling: Pooling | None = None
) -> None:
    """Write `model.onnx`; inputs are int64 (B, T), the output is float32.

    Args:
        model: A merged transformers model in fp32, on the CPU.
        folder: Where to write; None only tries.
        opset: ONNX operator set.
        inputs: Their names, `INPUTS` or `PAIR_INPUTS`.
        pooling: Of token vectors, for a model without a head: its output is (B, D) instead of (B, C) or (B, T, C).
    """
    wrapped: nn.Module = _Logits(model, inputs) if pooling is None else _Vectors(model, inputs, pooling)
    _trace(wrapped, folder, LOGITS if pooling is None else EMBEDDING, opset=opset, inputs=inputs)


def _trace(wrapped: nn.Module, folder: Path | None, output: str, *, opset: int, inputs: Sequence[str]) -> None:
    samples = {name: sample for name, sample in sample_inputs().items() if name in inputs}
    shapes: Axes = {0: BATCH, 1: SEQUENCE}
    trace(wrapped, folder and folder / MODEL, Ports(samples, [output], dict.fromkeys(samples, shapes)), opset=opset)


def sample_inputs() -> dict[str, torch.Tensor]:
    """Ids, mask and types (B, T) to trace with."""
    ids_BT = torch.full((SAMPLE_ROWS, SAMPLE_TOKENS), 5, dtype=torch.int64)
    mask_BT = torch.ones_like(ids_BT)
    # a sample without padding would let the exporter drop the mask
    mask_BT[1, -2:] = 0
    types_BT = torch.zeros_like(ids_BT)
    types_BT[:, 3:] = 1
    return dict(zip(PAIR_INPUTS, (ids_BT, mask_BT, types_BT), strict=True))
