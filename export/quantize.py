"""Int8 variants of a graph, in two kinds."""

import contextlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

BITS, BLOCK_SIZE, INT8_MAX = 8, 32, 127
# int8 arithmetic inside a block; 0 would compute in fp32 at a sixth of the speed
ACCURACY_LEVEL = 4


@contextlib.contextmanager
def _root_logger_kept() -> Iterator[None]:
    """That module of onnxruntime sets up logging for the whole process when it is imported."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:], root.level = handlers, level


def int8_dynamic(source: Path, target: Path, *, per_channel: bool) -> None:
    """Weights and embeddings in int8, activations quantized by their range at run time: small and the fastest."""
    with _quiet():
        quantize_dynamic(source, target, weight_type=QuantType.QInt8, per_channel=per_channel)


def int8_blockwise(source: Path, target: Path, *, per_channel: bool) -> None:
    """Weights in int8 with a scale and zero point for each block of 32, embeddings with a scale a dimension.

    As small as the other and nearly exact: activations keep their precision, which is what a fine-tuned encoder loses
    most by. With `per_channel` off, an embedding table has one scale.
    """
    with _root_logger_kept():
        from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
    graph = onnx.load(source)
    quantize_embeddings(graph, per_channel=per_channel)
    with _quiet():
        quantizer = MatMulNBitsQuantizer(
            graph, bits=BITS, block_size=BLOCK_SIZE, is_symmetric=False, accuracy_level=ACCURACY_LEVEL
        )
        quantizer.process()
        quantizer.model.save_model_to_file(str(target), use_external_data_format=False)


def quantize_embeddings(model: onnx.ModelProto, *, per_channel: bool) -> None:
    """Replace fp32 embedding tables by int8 ones, in place; a looked-up row is scaled back.

    onnxruntime's own quantizer gives a table one scale. Encoders have a few dimensions of large values, so that costs
    1 to 2 % of the labels on MiniLM; a scale a dimension costs 0.3 %.
    """
    graph = model.graph
    tables = {item.name: item for item in graph.initializer if _is_table(item)}
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.op_type == "Gather" and node.input[0] in tables and not _axis(node):
            nodes += _int8_lookup(graph, node, numpy_helper.to_array(tables[node.input[0]]), per_channel=per_channel)
        else:
            nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    for name in tables.keys() - used:
        graph.initializer.remove(tables[name])


def _is_table(item: onnx.TensorProto) -> bool:
    return len(item.dims) == 2 and item.data_type == onnx.TensorProto.FLOAT


def _axis(node: onnx.NodeProto) -> int:
    return next((int(item.i) for item in node.attribute if item.name == "axis"), 0)


def _int8_lookup(
    graph: onnx.GraphProto, node: onnx.NodeProto, table_VD: np.ndarray, *, per_channel: bool
) -> list[onnx.NodeProto]:
    # V tokens of the vocabulary, D dimensions
    scale_D = np.abs(table_VD).max(axis=0 if per_channel else None, keepdims=False) / INT8_MAX
    scale_D = np.where(scale_D == 0, 1, scale_D).astype(np.float32)
    table, ids, output = node.input[0], node.input[1], node.output[0]
    names = {item.name for item in graph.initializer}
    if f"{table}_int8" not in names:
        graph.initializer.append(numpy_helper.from_array(np.round(table_VD / scale_D).astype(np.int8), f"{table}_int8"))
        graph.initializer.append(numpy_helper.from_array(scale_D, f"{table}_scale"))
    return [
        helper.make_node("Gather", [f"{table}_int8", ids], [f"{output}_int8"], axis=0),
        helper.make_node("Cast", [f"{output}_int8"], [f"{output}_float"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Mul", [f"{output}_float", f"{table}_scale"], [output]),
    ]


QUANTIZERS: dict[str, Callable[..., None]] = {"int8_dynamic": int8_dynamic, "int8_blockwise": int8_blockwise}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The quantizers log a line for each node, to the root logger."""
    previous = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(previous)
