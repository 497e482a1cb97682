"""Matrix products of int8 terms: activations are the sum of two, weights that of seven bits and of three more."""

# K inputs of a product, N outputs

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from slimtune.export.variants.split_matrix import (
    COARSE_MIDDLE,
    LOW_BITS,
    REST_STEPS,
    WEIGHTS_A_BYTE,
    SplitMatrix,
    split_matrix,
    steps_of,
)

# of an activation's second term beside the first: half a step of that is 63.5 of these. Two products of a first term
# (at most 255) and a coarse weight (at most 64) stay within the 16 bits that processors with AVX2 alone add them in
FINER, MIDDLE = 1 / 127, 64

# the place of each weight on its grid (K, N), uint16, by the name of its matrix
Places = Mapping[str, np.ndarray]


def split_products(model: onnx.ModelProto, *, kept: Collection[str] = (), places: Places | None = None) -> None:
    """Replace products with fp32 matrices by sums of products in int8, in place.

    `x W` becomes `x1 W1 + x2 W1 + x1 W2`: `x1` is the activation in 8 bits by the range of the tensor, `x2` what that
    leaves in 7 more, so that a few large values cost the others nothing; `W1` and `W2` are the terms of the weights.
    `x2 W2` is beyond what counts. Products of one activation (query, key, value) become one product, with what is added
    to each. Only operators of ONNX itself are used. A matrix whose rows do not divide by four stays as it is.

    Args:
        model: The graph.
        kept: Names of products that stay in fp32.
        places: Of matrices that are rounded already; the others are rounded to the nearest.
    """
    graph = model.graph
    matrices = matrices_of(graph)
    products = [node for node in products_of(graph) if node.name not in kept]
    joined = {node.output[0]: group for group in _groups(products) for node in group}
    added = _added(graph, products)
    # by what they give: not every graph names its nodes
    gone = {addition.output[0] for addition in added.values()}
    ready: set[str] = set()
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        group = joined.get(node.output[0], [])
        if not group:
            nodes += [] if node.output[0] in gone else [node]
        # the others of a group are there already
        elif node.output[0] == group[0].output[0]:
            activation, weight = node.input[0], _joined_name(group)
            if activation not in ready:
                nodes += _activation_terms(graph, activation)
            if weight not in ready:
                parts = [_split(matrices[one.input[1]], places or {}) for one in group]
                nodes += _weight_terms(graph, weight, SplitMatrix.side_by_side(parts))
            ready |= {activation, weight}
            nodes += _sum(graph, group, [matrices[one.input[1]].dims[1] for one in group], added)
    del graph.node[:]
    graph.node.extend(nodes)
    moved = {name for node in [*products, *added.values()] for name in node.input}
    used = {name for node in graph.node for name in node.input}
    kept_items = [item for item in graph.initializer if item.name in used or item.name not in moved]
    del graph.initializer[:]
    graph.initializer.extend(kept_items)


def matrices_of(graph: onnx.GraphProto) -> dict[str, onnx.TensorProto]:
    """Matrices in fp32 that can be split, by name."""
    return {item.name: item for item in graph.initializer if _is_matrix(item)}


def products_of(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """Products with such matrices."""
    matrices = matrices_of(graph)
    return [node for node in graph.node if node.op_type == "MatMul" and node.input[1] in matrices]


def _split(item: onnx.TensorProto, places: Places) -> SplitMatrix:
    weight_KN = numpy_helper.to_array(item)
    return SplitMatrix(places[item.name], steps_of(weight_KN)) if item.name in places else split_matrix(weight_KN)


def _added(graph: onnx.GraphProto, products: Sequence[onnx.NodeProto]) -> dict[str, onnx.NodeProto]:
    """Additions of a constant for each output, by the output of a product that goes there alone."""
    widths = {item.name: item.dims[0] for item in graph.initializer if len(item.dims) == 1}
    sizes = {item.name: item.dims[1] for item in graph.initializer if len(item.dims) == 2}
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    given = {item.name for item in graph.output}
    additions = {}
    for node in products:
        output, found = node.output[0], readers.get(node.output[0], [])
        if len(found) != 1 or output in given or found[0].op_type != "Add":
            continue
        (constant, *_) = [name for name in found[0].input if name != output] or [""]
        if widths.get(constant) == sizes[node.input[1]]:
            additions[output] = found[0]
    return additions


def _groups(products: Sequence[onnx.NodeProto]) -> list[list[onnx.NodeProto]]:
    """Products of one activation, unless one of their matrices is in another group with others: it is stored once."""
    by_activation: dict[str, list[onnx.NodeProto]] = {}
    for node in products:
        by_activation.setdefault(node.input[0], []).append(node)
    groups_of: dict[str, set[str]] = {}
    for group in by_activation.values():
        for node in group:
            groups_of.setdefault(node.input[1], set()).add(_joined_name(group))
    found = []
    for group in by_activation.values():
        weights = [node.input[1] for node in group]
        is_apart = len(set(weights)) == len(weights) and all(len(groups_of[weight]) == 1 for weight in weights)
        found += [group] if is_apart else [[node] for node in group]
    return found


def _joined_name(group: Sequence[onnx.NodeProto]) -> str:
    return "+".join(node.input[1] for node in group)


def _is_matrix(item: onnx.TensorProto) -> bool:
    is_float = item.data_type == TensorProto.FLOAT
    return is_float and len(item.dims) == 2 and item.dims[0] % WEIGHTS_A_BYTE == 0


def _activation_terms(graph: onnx.GraphProto, name: str) -> Sequence[onnx.NodeProto]:
    """Nodes that give `<name>_first` and `<name>_second` in uint8, each with `_zero` and `_scale`."""
    first, second = f"{name}_first", f"{name}_second"
    for key, value in ((f"{name}_finer", np.float32(FINER)), (f"{second}_zero", np.uint8(MIDDLE))):
        graph.initializer.append(numpy_helper.from_array(np.array(value), key))
    return [
        _node("DynamicQuantizeLinear", [name], [first, f"{first}_scale", f"{first}_zero"]),
        _node("Mul", [f"{first}_scale", f"{name}_finer"], [f"{second}_scale"]),
        _node("DequantizeLinear", [first, f"{first}_scale", f"{first}_zero"], [f"{first}_float"]),
        _node("Sub", [name, f"{first}_float"], [f"{name}_left"]),
        _node("QuantizeLinear", [f"{name}_left", f"{second}_scale", f"{second}_zero"], [second]),
    ]


def _weight_terms(graph: onnx.GraphProto, name: str, matrix: SplitMatrix) -> Sequence[onnx.NodeProto]:
    """Nodes that unpack `<name>_coarse` and `<name>_rest`, which onnxruntime does once, when it opens the graph."""
    constants = {
        f"{name}_high": matrix.high,
        f"{name}_low": matrix.low,
        f"{name}_scale": matrix.step_N * np.float32(REST_STEPS),
        f"{name}_rest_scale": matrix.step_N / np.float32(2),
        f"{name}_one": np.array(1, np.uint8),
        f"{name}_low_bits": np.array(LOW_BITS, np.uint8),
        f"{name}_mask": np.array((1 << LOW_BITS) - 1, np.uint8),
        f"{name}_middle": np.array(COARSE_MIDDLE, np.int8),
        f"{name}_two": np.array(2, np.int8),
        f"{name}_lowest": np.array(REST_STEPS - 1, np.int8),
    }
    nodes, quarters = [], []
    for number in range(WEIGHTS_A_BYTE):
        constants[f"{name}_bits{number}"] = np.array(LOW_BITS * number, np.uint8)
        shifted, quarter = f"{name}_shifted{number}", f"{name}_quarter{number}"
        nodes.append(_node("BitShift", [f"{name}_low", f"{name}_bits{number}"], [shifted], direction="RIGHT"))
        nodes.append(_node("BitwiseAnd", [shifted, f"{name}_mask"], [quarter]))
        quarters.append(quarter)
    graph.initializer.extend(numpy_helper.from_array(value, key) for key, value in constants.items())
    return [
        *nodes,
        _node("Concat", quarters, [f"{name}_quarters"], axis=0),
        _node("BitwiseAnd", [f"{name}_high", f"{name}_one"], [f"{name}_last"]),
        _node("BitShift", [f"{name}_last", f"{name}_low_bits"], [f"{name}_third"], direction="LEFT"),
        _node("BitwiseOr", [f"{name}_third", f"{name}_quarters"], [f"{name}_three"]),
        _node("Cast", [f"{name}_three"], [f"{name}_places"], to=TensorProto.INT8),
        _node("Mul", [f"{name}_places", f"{name}_two"], [f"{name}_doubled"]),
        _node("Sub", [f"{name}_doubled", f"{name}_lowest"], [f"{name}_rest"]),
        _node("BitShift", [f"{name}_high", f"{name}_one"], [f"{name}_seven"], direction="RIGHT"),
        _node("Cast", [f"{name}_seven"], [f"{name}_whole"], to=TensorProto.INT8),
        _node("Sub", [f"{name}_whole", f"{name}_middle"], [f"{name}_coarse"]),
    ]


def _sum(
    graph: onnx.GraphProto,
    group: Sequence[onnx.NodeProto],
    widths: Sequence[int],
    added: Mapping[str, onnx.NodeProto],
) -> Sequence[onnx.NodeProto]:
    """Nodes that give the outputs of a group's products, or of what is added to them."""
    activation, weight = group[0].input[0], _joined_name(group)
    outputs = [added.get(node.output[0], node).output[0] for node in group]
    whole = outputs[0] if len(group) == 1 else f"{outputs[0]}_and_others"
    terms = (
        (f"{activation}_first", f"{weight}_coarse", f"{weight}_scale"),
        (f"{activation}_second", f"{weight}_coarse", f"{weight}_scale"),
        (f"{activation}_first", f"{weight}_rest", f"{weight}_rest_scale"),
    )
    names = [f"{whole}_term{number}" for number in range(len(terms))]
    nodes = []
    for name, (left, right, scale) in zip(names, terms, strict=True):
        nodes += [
            _node("MatMulInteger", [left, right, f"{left}_zero"], [f"{name}_whole"]),
            _node("Cast", [f"{name}_whole"], [f"{name}_float"], to=TensorProto.FLOAT),
            _node("Mul", [f"{left}_scale", scale], [f"{name}_scale"]),
            _node("Mul", [f"{name}_float", f"{name}_scale"], [name]),
        ]
    if any(node.output[0] in added for node in group):
        # onnxruntime makes one node of each product, and of what is added to the first one
        constant_N = np.concatenate(
            [_constant(graph, node, added, width) for node, width in zip(group, widths, strict=True)]
        )
        graph.initializer.append(numpy_helper.from_array(constant_N, f"{whole}_constant"))
        nodes.append(_node("Add", [names[0], f"{whole}_constant"], [f"{whole}_moved"]))
        names[0] = f"{whole}_moved"
    nodes.append(_node("Sum", names, [whole]))
    if len(group) > 1:
        graph.initializer.append(numpy_helper.from_array(np.array(widths, np.int64), f"{whole}_widths"))
        nodes.append(_node("Split", [whole, f"{whole}_widths"], outputs, axis=-1))
    return nodes


def _constant(
    graph: onnx.GraphProto, node: onnx.NodeProto, added: Mapping[str, onnx.NodeProto], width: int
) -> np.ndarray:
    """What is added to a product (N)."""
    if node.output[0] not in added:
        return np.zeros(width, np.float32)
    (name,) = [one for one in added[node.output[0]].input if one != node.output[0]]
    return np.asarray(next(numpy_helper.to_array(item) for item in graph.initializer if item.name == name))


def _node(kind: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, inputs, outputs, f"{outputs[0]}_made", **attributes)
