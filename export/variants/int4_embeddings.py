"""Embedding tables in 4 bits, in blocks; an output matrix of the same bits is stored once."""

# V tokens of the vocabulary, D dimensions, B blocks of a row

from collections.abc import Collection, Sequence

import numpy as np
import onnx
from onnx import helper, numpy_helper

from slimtune.export.variants.int8_embeddings import float_tables, replace_lookups

BITS = 4


def int4_embeddings(model: onnx.ModelProto, *, block_size: int, symmetric: bool, kept: Collection[str] = ()) -> None:
    """Replace fp32 embedding tables by lookups that scale 4 bits back, rounded to the nearest, in place.

    Where a `MatMulNBits` multiplies with the same bits, the lookup takes them from there. A table whose width the block
    does not divide stays as it is.

    Args:
        model: The graph; its matrix products are quantized already.
        block_size: Weights of a row that share a scale.
        symmetric: Whether blocks do without a zero point.
        kept: Names of lookups whose table stays as it is.
    """
    graph = model.graph
    tables = {name: item for name, item in float_tables(graph).items() if item.dims[1] % block_size == 0}
    packed: dict[str, list[str]] = {}

    def lookup(node: onnx.NodeProto) -> list[onnx.NodeProto]:
        table = node.input[0]
        if table not in packed:
            parts = _packed(numpy_helper.to_array(tables[table]), block_size, symmetric=symmetric)
            packed[table] = _same_matrix(graph, parts) or _stored(graph, table, parts)
        return _lookup(node, packed[table], width=tables[table].dims[1], block_size=block_size)

    replace_lookups(graph, tables, lookup, kept=kept)


def _packed(table_VD: np.ndarray, block_size: int, *, symmetric: bool) -> list[np.ndarray]:
    """Bits (V, B, block_size / 2), scales (V, B), perhaps zero points: as `MatMulNBits` has them of the transpose."""
    from onnxruntime.quantization.matmul_nbits_quantizer import (
        DefaultWeightOnlyQuantConfig,
        DefaultWeightOnlyQuantizer,
    )

    config = DefaultWeightOnlyQuantConfig(block_size=block_size, is_symmetric=symmetric, bits=BITS)
    quantizer = DefaultWeightOnlyQuantizer(config)
    bits, scales, zero_points = quantizer.qbits_block_quant(np.ascontiguousarray(table_VD.T))
    return [bits, scales] if symmetric else [bits, scales, zero_points]


def _same_matrix(graph: onnx.GraphProto, parts: Sequence[np.ndarray]) -> list[str] | None:
    """Names of what a product has that multiplies with these very bits."""
    stored = {item.name: item for item in graph.initializer}
    for node in graph.node:
        names = list(node.input[1:])
        if node.op_type != "MatMulNBits" or len(names) != len(parts):
            continue
        items = [stored[name] for name in names]
        if all(tuple(item.dims) == part.shape for item, part in zip(items, parts, strict=True)) and all(
            np.array_equal(numpy_helper.to_array(item), part) for item, part in zip(items, parts, strict=True)
        ):
            return names
    return None


def _stored(graph: onnx.GraphProto, table: str, parts: Sequence[np.ndarray]) -> list[str]:
    names = [f"{table}_{part}" for part in ("int4", "scales", "zero_points")[: len(parts)]]
    graph.initializer.extend(numpy_helper.from_array(part, name) for name, part in zip(names, parts, strict=True))
    return names


def _lookup(node: onnx.NodeProto, names: Sequence[str], *, width: int, block_size: int) -> list[onnx.NodeProto]:
    bits, scales, *zero_points = names
    ids, output = node.input[1], node.output[0]
    # onnxruntime takes a row's bits in one piece
    rows = f"{output}_rows"
    shape = numpy_helper.from_array(np.array([-1, width * BITS // 8]), f"{rows}_shape")
    return [
        helper.make_node("Constant", [], [f"{rows}_shape"], f"{rows}_shape", value=shape),
        helper.make_node("Reshape", [bits, f"{rows}_shape"], [rows], rows),
        helper.make_node(
            "GatherBlockQuantized",
            [rows, ids, scales, *zero_points],
            [output],
            f"{output}_lookup",
            domain="com.microsoft",
            bits=BITS,
            block_size=block_size,
            gather_axis=0,
            quantize_axis=1,
        ),
    ]
