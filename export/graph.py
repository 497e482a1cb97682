"""ONNX graphs of encoders: class scores, tag scores, text vectors; and how any module is traced and saved."""

# B rows, T tokens, C classes, D dimensions

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import onnx
import torch
from torch import nn

from export.layout import BATCH, EMBEDDING, INPUTS, LOGITS, MODEL, PAIR_INPUTS, SEQUENCE
from training.errors import ModelError
from training.task_config import Pooling
from training.tasks.similarity import pooled

SAMPLE_ROWS, SAMPLE_TOKENS = 2, 7
# a file of protobuf holds 2 GiB; larger weights lie beside it
INLINE_BYTES = 1_500_000_000
# where the exporter notes the modules that a node comes from
SCOPES = "pkg.torch.onnx.name_scopes"
Axes = Mapping[int, str]


class Ports(NamedTuple):
    """Attributes:
    samples: Inputs by name, to trace with.
    outputs: Names of the outputs.
    shapes: The dynamic axes of each input, by name.
    """

    samples: Mapping[str, torch.Tensor]
    outputs: Sequence[str]
    shapes: Mapping[str, Axes]


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


def export_graph(
    model: Any, folder: Path, *, opset: int, inputs: Sequence[str] = INPUTS, pooling: Pooling | None = None
) -> None:
    """Write `model.onnx`; inputs are int64 (B, T), the output is float32.

    Args:
        model: A merged transformers model in fp32, on the CPU.
        folder: Where to write.
        opset: ONNX operator set.
        inputs: Their names, `INPUTS` or `PAIR_INPUTS`.
        pooling: Of token vectors, for a model without a head: its output is (B, D) instead of (B, C) or (B, T, C).
    """
    wrapped: nn.Module = _Logits(model, inputs) if pooling is None else _Vectors(model, inputs, pooling)
    samples = {name: sample for name, sample in sample_inputs().items() if name in inputs}
    shapes: Axes = {0: BATCH, 1: SEQUENCE}
    output = LOGITS if pooling is None else EMBEDDING
    trace(wrapped, folder / MODEL, Ports(samples, [output], dict.fromkeys(samples, shapes)), opset=opset)


def sample_inputs() -> dict[str, torch.Tensor]:
    """Ids, mask and types (B, T) to trace with."""
    ids_BT = torch.full((SAMPLE_ROWS, SAMPLE_TOKENS), 5, dtype=torch.int64)
    mask_BT = torch.ones_like(ids_BT)
    # a sample without padding would let the exporter drop the mask
    mask_BT[1, -2:] = 0
    types_BT = torch.zeros_like(ids_BT)
    types_BT[:, 3:] = 1
    return dict(zip(PAIR_INPUTS, (ids_BT, mask_BT, types_BT), strict=True))


def trace(module: Any, path: Path, ports: Ports, *, opset: int) -> None:
    """Write a module as an ONNX graph.

    Args:
        module: Takes the samples by position, and gives the outputs; its `model` is transformers'.
        path: The file to write.
        ports: Its inputs and outputs.
        opset: ONNX operator set.

    Raises:
        ModelError: torch cannot write this architecture as a graph.
    """
    samples, outputs, shapes = ports
    try:
        with _traceable(module.model), _quiet():
            program = torch.onnx.export(
                module.eval(),
                tuple(samples.values()),
                dynamo=True,
                input_names=list(samples),
                output_names=list(outputs),
                dynamic_shapes=(tuple(shapes[name] for name in samples),),
                opset_version=opset,
                verbose=False,
            )
    except torch.onnx.OnnxExporterError as error:
        family, reason = module.model.config.model_type, " ".join(str(error.__cause__ or error).split())
        raise ModelError(
            f"torch {torch.__version__} cannot write a model of type {family} as an ONNX graph; use export=none "
            f"({reason[:200]})"
        ) from error
    assert program is not None
    graph = program.model_proto
    # shapes that the exporter noted for weights keep the quantizers from transposing them
    del graph.graph.value_info[:]
    for node in graph.graph.node:
        # lines of Python: half of a small file
        kept = [item for item in node.metadata_props if item.key == SCOPES]
        del node.metadata_props[:]
        node.metadata_props.extend(kept)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_graph(graph, path)
    onnx.checker.check_model(str(path))


def save_graph(graph: onnx.ModelProto, path: Path) -> None:
    """Write a graph; large weights go into `<name>.data` beside it."""
    data = _data(path)
    data.unlink(missing_ok=True)
    is_large = weight_bytes(graph) > INLINE_BYTES
    onnx.save(graph, path, save_as_external_data=is_large, location=data.name if is_large else None)


def has_data(path: Path) -> bool:
    """Whether a graph's weights lie beside it."""
    return _data(path).is_file()


def _data(path: Path) -> Path:
    return path.with_name(f"{path.name}.data")


def weight_bytes(graph: onnx.ModelProto) -> int:
    """Of all weights, as they lie in memory."""
    return sum(len(item.raw_data) for item in graph.graph.initializer)


@contextlib.contextmanager
def _traceable(model: Any) -> Iterator[None]:
    """Attention in plain operations: torch 2.13 cannot trace T5's otherwise, and graphs are smaller. Experts neither
    in a loop nor by grouped products, which ONNX has not.
    """
    attention, experts = model.config._attn_implementation, model.get_experts_implementation()
    model.set_attn_implementation("eager")
    model.set_experts_implementation("batched_mm")
    try:
        yield
    finally:
        model.set_attn_implementation(attention)
        model.set_experts_implementation(experts)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The exporter prints its progress, warns of packages that are not needed here, and prints graphs if it fails."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
