"""Output embeddings that share their weights with the input embeddings."""

import numpy as np
import onnx
from onnx import numpy_helper

from slimtune.export.variants.int8_embeddings import drop_unused


def untie(model: onnx.ModelProto) -> None:
    """Give each product with a transposed table a matrix of its own, in place: quantizers see matrices alone.

    The table is left to the lookups; what no node uses any more is removed.
    """
    graph = model.graph
    tables = {item.name: item for item in graph.initializer if len(item.dims) == 2}
    products = {node.input[1] for node in graph.node if node.op_type == "MatMul"}
    turned = [node for node in graph.node if _is_turned(node, tables) and node.output[0] in products]
    for node in turned:
        matrix = np.ascontiguousarray(numpy_helper.to_array(tables[node.input[0]]).T)
        graph.initializer.append(numpy_helper.from_array(matrix, node.output[0]))
        graph.node.remove(node)
    drop_unused(graph, {node.input[0]: tables[node.input[0]] for node in turned})


def _is_turned(node: onnx.NodeProto, tables: dict[str, onnx.TensorProto]) -> bool:
    return node.op_type == "Transpose" and node.input[0] in tables
