"""Embedding tables in int8 with a scale for each few dimensions of a token."""

# V tokens of the vocabulary, D dimensions, B blocks of a row

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from slimtune.export.variants.int8_embeddings import INT8_MAX, float_tables, is_lookup, replace_lookups

BITS, ZERO = 8, 128
# smallest scale that fp16 holds in full precision
LEAST_SCALE = 2.0**-14


class BlockTable(NamedTuple):
    """A table as `(bytes - 128) * block scale * dimension scale`.

    Attributes:
        bytes_VD: uint8.
        scale_VB: Of each block, fp16.
        scale_D: Of each dimension, fp32.
    """

    bytes_VD: np.ndarray
    scale_VB: np.ndarray
    scale_D: np.ndarray


def block_table(table_VD: np.ndarray, block_size: int) -> BlockTable:
    """Round a table to int8, its dimensions made alike first: a few of an encoder's are many times the others."""
    scale_D = np.sqrt(np.mean(np.square(table_VD, dtype=np.float64), axis=0))
    scale_D = np.where(scale_D == 0, 1, scale_D).astype(np.float32)
    alike_VBS = (table_VD / scale_D).reshape(len(table_VD), -1, block_size)
    scale_VB = np.maximum(np.abs(alike_VBS).max(axis=2) / INT8_MAX, LEAST_SCALE).astype(np.float16)
    steps_VBS = np.round(alike_VBS / scale_VB.astype(np.float32)[..., None])
    bytes_VD = (np.clip(steps_VBS, -INT8_MAX, INT8_MAX) + ZERO).astype(np.uint8).reshape(table_VD.shape)
    return BlockTable(bytes_VD, scale_VB, scale_D)


def block_embeddings(model: onnx.ModelProto, *, block_size: int, kept: Collection[str] = ()) -> None:
    """Replace fp32 embedding tables whose width the block divides by int8 ones, in place.

    Twice as exact as a scale for each dimension, for a sixteenth of the size more where blocks are of 32.

    Args:
        model: The graph.
        block_size: Dimensions of a token that share a scale.
        kept: Names of lookups whose table stays as it is.
    """
    graph = model.graph
    read = {node.input[0] for node in graph.node if is_lookup(node, float_tables(graph)) and node.name not in kept}
    tables = {
        name: item for name, item in float_tables(graph).items() if name in read and item.dims[1] % block_size == 0
    }
    if not tables:
        return
    opening: list[onnx.NodeProto] = []
    for name, item in tables.items():
        found = block_table(numpy_helper.to_array(item), block_size)
        parts = {"bytes": found.bytes_VD, "half_scales": found.scale_VB, "scale": found.scale_D}
        graph.initializer.extend(numpy_helper.from_array(part, f"{name}_{end}") for end, part in parts.items())
        # onnxruntime does this once, when it opens the graph
        half, scales = f"{name}_half_scales", f"{name}_scales"
        opening.append(helper.make_node("Cast", [half], [scales], f"{name}_cast", to=TensorProto.FLOAT))

    def lookup(node: onnx.NodeProto) -> list[onnx.NodeProto]:
        return _lookup(node, block_size)

    replace_lookups(graph, tables, lookup, kept=kept)
    rest = list(graph.node)
    del graph.node[:]
    graph.node.extend([*opening, *rest])
    if all(one.domain != "com.microsoft" for one in model.opset_import):
        model.opset_import.append(helper.make_opsetid("com.microsoft", 1))


def _lookup(node: onnx.NodeProto, block_size: int) -> list[onnx.NodeProto]:
    table, ids = node.input
    output = node.output[0]
    return [
        helper.make_node(
            "GatherBlockQuantized",
            [f"{table}_bytes", ids, f"{table}_scales"],
            [f"{output}_alike"],
            f"{output}_lookup",
            domain="com.microsoft",
            bits=BITS,
            block_size=block_size,
            gather_axis=0,
            quantize_axis=1,
        ),
        helper.make_node("Mul", [f"{output}_alike", f"{table}_scale"], [output], f"{output}_scaled"),
    ]
