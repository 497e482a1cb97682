"""Embedding tables in int8."""

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
import onnx
from onnx import helper, numpy_helper

INT8_MAX = 127


def quantize_embeddings(model: onnx.ModelProto, *, per_channel: bool, kept: Collection[str] = ()) -> None:
    """Replace fp32 embedding tables by int8 ones, in place; a looked-up row is scaled back.

    onnxruntime's own quantizer gives a table one scale. Encoders have a few dimensions of large values, so that costs
    1 to 2 % of the labels on MiniLM; a scale a dimension costs 0.3 %.

    Args:
        model: The graph.
        per_channel: A scale for each dimension instead of one for the table.
        kept: Names of lookups whose table stays as it is.
    """
    graph = model.graph
    tables = float_tables(graph)

    def lookup(node: onnx.NodeProto) -> list[onnx.NodeProto]:
        return _int8_lookup(graph, node, numpy_helper.to_array(tables[node.input[0]]), per_channel=per_channel)

    replace_lookups(graph, tables, lookup, kept=kept)


def replace_lookups(
    graph: onnx.GraphProto,
    tables: Mapping[str, onnx.TensorProto],
    make: Callable[[onnx.NodeProto], Sequence[onnx.NodeProto]],
    *,
    kept: Collection[str],
) -> None:
    """Put what `make` gives in the place of each lookup in one of the tables; those that nothing reads then go."""
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        nodes += make(node) if is_lookup(node, tables) and node.name not in kept else [node]
    del graph.node[:]
    graph.node.extend(nodes)
    drop_unused(graph, tables)


def is_lookup(node: onnx.NodeProto, tables: Collection[str]) -> bool:
    """Whether a node takes rows of one of the tables."""
    return node.op_type == "Gather" and node.input[0] in tables and not _axis(node)


def float_tables(graph: onnx.GraphProto) -> dict[str, onnx.TensorProto]:
    """Matrices in fp32 by name, embedding tables among them."""
    matrices = (item for item in graph.initializer if len(item.dims) == 2)
    return {item.name: item for item in matrices if item.data_type == onnx.TensorProto.FLOAT}


def drop_unused(graph: onnx.GraphProto, tables: Mapping[str, onnx.TensorProto]) -> None:
    """Take those of the tables out of a graph that no node reads."""
    used = {name for node in graph.node for name in node.input}
    for name in tables.keys() - used:
        graph.initializer.remove(tables[name])


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
        helper.make_node("Gather", [f"{table}_int8", ids], [f"{output}_int8"], f"{output}_lookup", axis=0),
        helper.make_node("Cast", [f"{output}_int8"], [f"{output}_float"], f"{output}_cast", to=onnx.TensorProto.FLOAT),
        helper.make_node("Mul", [f"{output}_float", f"{table}_scale"], [output], f"{output}_scaled"),
    ]
