"""How any module is traced as an ONNX graph, and saved."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import onnx
import torch

from slimtune.training.broken_files import text_of_error
from slimtune.training.errors import ModelError

# a file of protobuf holds 2 GiB; larger weights lie beside it
INLINE_BYTES = 1_500_000_000
# where the exporter notes the modules that a node comes from
SCOPES = "pkg.torch.onnx.name_scopes"
# what the traced wrapper calls the model
WRAPPER = "model."
Axes = Mapping[int, str]


class Ports(NamedTuple):
    """Inputs and outputs of a graph to trace.

    Attributes:
        samples: Inputs by name, to trace with.
        outputs: Names of the outputs.
        shapes: The dynamic axes of each input, by name.
    """

    samples: Mapping[str, torch.Tensor]
    outputs: Sequence[str]
    shapes: Mapping[str, Axes]


def trace(module: Any, path: Path | None, ports: Ports, *, opset: int) -> None:
    """Write a module as an ONNX graph, or only try to: then it needs no weights.

    Args:
        module: Takes the samples by position, and gives the outputs; its `model` is transformers'.
        path: The file to write; None tries.
        ports: Its inputs and outputs.
        opset: ONNX operator set.

    Raises:
        ModelError: torch cannot write this architecture as a graph.
    """
    outputs, shapes = ports.outputs, ports.shapes
    device = next(module.parameters()).device
    samples = {name: sample.to(device) for name, sample in ports.samples.items()}
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
                # folds constants, which a model without weights has not
                optimize=path is not None,
            )
    except torch.onnx.OnnxExporterError as error:
        family, reason = module.model.config.model_type, text_of_error(error.__cause__ or error)
        raise ModelError(
            f"torch {torch.__version__} cannot write a model of type {family} as an ONNX graph; use export=none "
            f"({reason})"
        ) from error
    if path is None:
        return
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
    in a loop nor by grouped products, which ONNX does not support.
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
