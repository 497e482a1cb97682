"""Matrix products of int8 terms: activations are the sum of two, weights that of eight bits and of two more."""

# K inputs of a product, N outputs

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# two bits behind the eight of a weight: -3, -1, 1 or 3 eighths of its step, so that their mean is nothing
REST_BITS, REST_STEPS = 2, 4
LARGEST = 127.5
WEIGHTS_A_BYTE = 8 // REST_BITS
# of an activation's two terms; the first has steps twice as large as those of `DynamicQuantizeLinear`, and is at most
# 129, so that the sum of two products stays within the 16 bits that processors with AVX2 alone have for it
COARSER, FINER, MIDDLE = 2.0, 1 / 63, 64


class SplitMatrix(NamedTuple):
    """A matrix of weights as `scale * (coarse + rest / 8)`.

    Attributes:
        coarse_KN: From -127 to 127, int8.
        rest_KN: -3, -1, 1 or 3, int8.
        scale_N: Of each output, fp32; 0 where all its weights are.
    """

    coarse_KN: np.ndarray
    rest_KN: np.ndarray
    scale_N: np.ndarray

    @property
    def packed(self) -> np.ndarray:
        """The rests (K / 4, N), four to a byte: the first quarter of the rows in the lowest bits."""
        quarters = np.split(((self.rest_KN + REST_STEPS - 1) // 2).astype(np.uint8), WEIGHTS_A_BYTE)
        packed = np.zeros_like(quarters[0])
        for place, quarter in enumerate(quarters):
            packed |= quarter << (REST_BITS * place)
        return packed


def split_matrix(weight_KN: np.ndarray) -> SplitMatrix:
    """A matrix rounded to ten bits, with a scale for each output."""
    scale_N = np.abs(weight_KN).max(axis=0) / LARGEST
    steps_KN = weight_KN / np.where(scale_N == 0, 1, scale_N)
    coarse_KN = np.clip(np.round(steps_KN), -127, 127)
    place_KN = np.clip(np.floor((steps_KN - coarse_KN) * REST_STEPS) + REST_STEPS // 2, 0, REST_STEPS - 1)
    rest_KN = 2 * place_KN - (REST_STEPS - 1)
    return SplitMatrix(coarse_KN.astype(np.int8), rest_KN.astype(np.int8), scale_N.astype(np.float32))


def split_products(model: onnx.ModelProto, *, kept: Collection[str] = ()) -> None:
    """Replace products with fp32 matrices by sums of products in int8, in place.

    `x W` becomes `x1 W1 + x2 W1 + x1 W2`: `x1` is the activation in 7 bits by the range of the tensor, `x2` what that
    leaves in 7 more, so that a few large values cost the others nothing; `W1` and `W2` are the terms of the weights.
    `x2 W2` is beyond what counts. Products of one activation (query, key, value) become one product. Only operators of
    ONNX itself are used. A matrix whose rows do not divide by four stays as it is.

    Args:
        model: The graph.
        kept: Names of products that stay in fp32.
    """
    graph = model.graph
    matrices = {item.name: item for item in graph.initializer if _is_matrix(item)}
    products = [node for node in graph.node if _is_product(node, matrices) and node.name not in kept]
    joined = {node.name: group for group in _groups(products) for node in group}
    ready: set[str] = set()
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        group = joined.get(node.name, [])
        if not group:
            nodes.append(node)
        # the others of a group are there already
        elif node.name == group[0].name:
            activation, weight = node.input[0], _joined_name(group)
            if activation not in ready:
                nodes += _activation_terms(graph, activation)
            if weight not in ready:
                whole = [numpy_helper.to_array(matrices[one.input[1]]) for one in group]
                nodes += _weight_terms(graph, weight, np.concatenate(whole, axis=1))
            ready |= {activation, weight}
            nodes += _sum(graph, group, [matrices[one.input[1]].dims[1] for one in group])
    del graph.node[:]
    graph.node.extend(nodes)
    used = {name for node in graph.node for name in node.input}
    for name in {node.input[1] for node in products} - used:
        graph.initializer.remove(matrices[name])


def _is_product(node: onnx.NodeProto, matrices: Collection[str]) -> bool:
    return node.op_type == "MatMul" and node.input[1] in matrices


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
    for end, value in (("coarser", np.float32(COARSER)), ("finer", np.float32(FINER)), ("one", np.uint8(1))):
        graph.initializer.append(numpy_helper.from_array(np.array(value), f"{name}_{end}"))
    graph.initializer.append(numpy_helper.from_array(np.array(MIDDLE, np.uint8), f"{second}_zero"))
    return [
        _node("DynamicQuantizeLinear", [name], [f"{name}_whole", f"{name}_step", f"{name}_zero"]),
        _node("Mul", [f"{name}_step", f"{name}_coarser"], [f"{first}_scale"]),
        _node("Mul", [f"{name}_step", f"{name}_finer"], [f"{second}_scale"]),
        # rounded up, so that nothing lies below the range
        _node("BitShift", [f"{name}_zero", f"{name}_one"], [f"{name}_half"], direction="RIGHT"),
        _node("Add", [f"{name}_half", f"{name}_one"], [f"{first}_zero"]),
        _node("QuantizeLinear", [name, f"{first}_scale", f"{first}_zero"], [first]),
        _node("DequantizeLinear", [first, f"{first}_scale", f"{first}_zero"], [f"{first}_float"]),
        _node("Sub", [name, f"{first}_float"], [f"{name}_left"]),
        _node("QuantizeLinear", [f"{name}_left", f"{second}_scale", f"{second}_zero"], [second]),
    ]


def _weight_terms(graph: onnx.GraphProto, name: str, weight_KN: np.ndarray) -> Sequence[onnx.NodeProto]:
    """Nodes that unpack `<name>_rest`, which onnxruntime does once, when it opens the graph."""
    found = split_matrix(weight_KN)
    constants = {
        f"{name}_coarse": found.coarse_KN,
        f"{name}_packed": found.packed,
        f"{name}_scale": found.scale_N,
        f"{name}_rest_scale": found.scale_N / np.float32(2 * REST_STEPS),
        f"{name}_mask": np.array(REST_STEPS - 1, np.uint8),
        f"{name}_two": np.array(2, np.int8),
        f"{name}_lowest": np.array(REST_STEPS - 1, np.int8),
    }
    nodes, quarters = [], []
    for place in range(WEIGHTS_A_BYTE):
        constants[f"{name}_bits{place}"] = np.array(REST_BITS * place, np.uint8)
        shifted, quarter = f"{name}_shifted{place}", f"{name}_quarter{place}"
        nodes.append(_node("BitShift", [f"{name}_packed", f"{name}_bits{place}"], [shifted], direction="RIGHT"))
        nodes.append(_node("BitwiseAnd", [shifted, f"{name}_mask"], [quarter]))
        quarters.append(quarter)
    graph.initializer.extend(numpy_helper.from_array(value, key) for key, value in constants.items())
    return [
        *nodes,
        _node("Concat", quarters, [f"{name}_quarters"], axis=0),
        _node("Cast", [f"{name}_quarters"], [f"{name}_places"], to=TensorProto.INT8),
        _node("Mul", [f"{name}_places", f"{name}_two"], [f"{name}_doubled"]),
        _node("Sub", [f"{name}_doubled", f"{name}_lowest"], [f"{name}_rest"]),
    ]


def _sum(graph: onnx.GraphProto, group: Sequence[onnx.NodeProto], widths: Sequence[int]) -> Sequence[onnx.NodeProto]:
    """Nodes that give the outputs of a group's products."""
    activation, weight = group[0].input[0], _joined_name(group)
    outputs = [node.output[0] for node in group]
    whole = outputs[0] if len(group) == 1 else f"{outputs[0]}_and_others"
    terms = (
        (f"{activation}_first", f"{weight}_coarse", f"{weight}_scale"),
        (f"{activation}_second", f"{weight}_coarse", f"{weight}_scale"),
        (f"{activation}_first", f"{weight}_rest", f"{weight}_rest_scale"),
    )
    nodes = []
    for number, (left, right, scale) in enumerate(terms):
        name = f"{whole}_term{number}"
        nodes += [
            _node("MatMulInteger", [left, right, f"{left}_zero"], [f"{name}_whole"]),
            _node("Cast", [f"{name}_whole"], [f"{name}_float"], to=TensorProto.FLOAT),
            _node("Mul", [f"{left}_scale", scale], [f"{name}_scale"]),
            _node("Mul", [f"{name}_float", f"{name}_scale"], [name]),
        ]
    nodes += [
        _node("Add", [f"{whole}_term0", f"{whole}_term1"], [f"{whole}_eight_bits"]),
        _node("Add", [f"{whole}_eight_bits", f"{whole}_term2"], [whole]),
    ]
    if len(group) > 1:
        graph.initializer.append(numpy_helper.from_array(np.array(widths, np.int64), f"{whole}_widths"))
        nodes.append(_node("Split", [whole, f"{whole}_widths"], outputs, axis=-1))
    return nodes


def _node(kind: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, inputs, outputs, f"{outputs[0]}_made", **attributes)
