"""A graph whose weights can be added to and replaced at run time: inputs for LoRA, and for layers trained whole.

Such an input is an 'overridable initializer' of ONNX: it has a default, with which the graph computes what the base
does. The default of LoRA's A (K, r) and B (r, N) has rank 0.
"""

# K input features, N output features, r rank

import ast
import re
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from slimtune.export.graph_names import LOGITS
from slimtune.export.graphs.tracing import SCOPES, WRAPPER
from slimtune.training.errors import ModelError

DOWN, UP = "lora_A.weight", "lora_B.weight"
PRODUCTS = ("MatMul", "Gemm", "MatMulNBits")
CLASSES = "classes"
# the module that a node multiplies for, or None
ModuleOf = Callable[[onnx.NodeProto], str | None]


class AdapterInputs(NamedTuple):
    """What a graph's new inputs are, and the nodes that quantizers must leave alone.

    Attributes:
        transposed: Whether a replaceable parameter, by name, has its two dimensions the other way round in the graph.
        kept: Names of the nodes that read new inputs.
    """

    transposed: Mapping[str, bool]
    kept: frozenset[str]


class ReplaceableParameter(NamedTuple):
    """A parameter that adapters may replace.

    Attributes:
        value: What the base has; the default.
        has_classes: Whether its first dimension is that of the classes, which adapters may have any number of.
    """

    value: np.ndarray
    has_classes: bool


def add_lora_inputs(model: onnx.ModelProto, modules: Collection[str], match: ModuleOf) -> frozenset[str]:
    """Give the matrix product of each module a LoRA branch: `<module>.lora_A.weight` (K, r), `<module>.lora_B.weight`.

    Returns:
        The names of the new nodes.

    Raises:
        ModelError: A module has no matrix product in the graph.
    """
    graph = model.graph
    shapes = {item.name: tuple(item.dims) for item in graph.initializer}
    nodes: list[onnx.NodeProto] = []
    widths: dict[str, tuple[int, int]] = {}
    added: list[str] = []
    for node in graph.node:
        nodes.append(node)
        module = match(node) if node.op_type in PRODUCTS else None
        width = _width(node, shapes) if module in modules else None
        if module is None or width is None:
            continue
        widths[module] = width
        # a layer that is used several times has as many branches, with the same inputs
        branch = _branch(node, module, number=len(added))
        added += [one.name for one in branch]
        nodes += branch
    if missing := sorted(set(modules) - widths.keys()):
        raise ModelError(
            f"an adapter updates '{missing[0]}', which is no linear layer of the base's graph; adapters of LoRA on "
            "linear layers can be switched at run time, others are exported alone by slimtune export"
        )
    del graph.node[:]
    graph.node.extend(nodes)
    for module, (num_in, num_out) in sorted(widths.items()):
        rank = f"rank of {module}"
        _add_input(graph, f"{module}.{DOWN}", np.zeros((num_in, 0), np.float32), (num_in, rank))
        _add_input(graph, f"{module}.{UP}", np.zeros((0, num_out), np.float32), (rank, num_out))
    del graph.value_info[:]
    return frozenset(added)


def _width(node: onnx.NodeProto, shapes: Mapping[str, tuple[int, ...]]) -> tuple[int, int] | None:
    """K and N of a product with a matrix of weights."""
    values = {item.name: item.i for item in node.attribute}
    if node.op_type == "MatMulNBits":
        return values["K"], values["N"]
    shape = shapes.get(node.input[1])
    if shape is None or len(shape) != 2:
        return None
    return (shape[1], shape[0]) if values.get("transB") else (shape[0], shape[1])


def _branch(node: onnx.NodeProto, module: str, *, number: int) -> list[onnx.NodeProto]:
    """The nodes that add x A B to a product; the product's own output gets another name."""
    output = node.output[0]
    base, inner, update = (f"{output}_{what}_{number}" for what in ("base", "lora_A", "lora_B"))
    node.output[0] = base
    return [
        helper.make_node("MatMul", [node.input[0], f"{module}.{DOWN}"], [inner], name=f"{module}/{number}/lora_A"),
        helper.make_node("MatMul", [inner, f"{module}.{UP}"], [update], name=f"{module}/{number}/lora_B"),
        helper.make_node("Add", [base, update], [output], name=f"{module}/{number}/lora_Add"),
    ]


def open_parameters(model: onnx.ModelProto, wholes: Mapping[str, ReplaceableParameter]) -> AdapterInputs:
    """Make parameters inputs, by their names in transformers' model.

    The graph must be traced with values that no other parameter has: exporters share equal ones, and leave out zeros.

    Raises:
        ModelError: A parameter is not in the graph by itself.
    """
    graph = model.graph
    _split_gemms(graph, {name.rpartition(".")[0] for name in wholes})
    transposed, kept = {}, set[str]()
    for name, whole in sorted(wholes.items()):
        module = name.rpartition(".")[0]
        source = _initializer(graph, name)
        readers = [node for node in graph.node if source.name in node.input]
        if any(module_of(node) != module for node in readers):
            raise ModelError(
                f"an adapter has its own '{name}', which the base uses in several places; such an adapter is exported "
                "alone, by slimtune export"
            )
        transposed[name] = source.name != WRAPPER + name
        value = whole.value.T if transposed[name] else whole.value
        for node in readers:
            node.input[:] = [name if item == source.name else item for item in node.input]
        kept |= {node.name for node in readers}
        graph.initializer.remove(source)
        _add_input(graph, name, np.ascontiguousarray(value, np.float32), _dims(whole, is_transposed=transposed[name]))
    for output in graph.output:
        if output.name == LOGITS and any(whole.has_classes for whole in wholes.values()):
            output.type.tensor_type.shape.dim[-1].dim_param = CLASSES
    del graph.value_info[:]
    return AdapterInputs(transposed, frozenset(kept))


def _split_gemms(graph: onnx.GraphProto, modules: Collection[str]) -> None:
    """Write x W^T + b of these modules as a product and a sum: quantizers would, and take the weight for a constant."""
    weights = {item.name: item for item in graph.initializer}
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        nodes.append(node)
        if node.op_type != "Gemm" or module_of(node) not in modules or node.input[1] not in weights:
            continue
        weight = weights[node.input[1]]
        if any(item.name == "transB" and item.i for item in node.attribute):
            matrix = np.ascontiguousarray(numpy_helper.to_array(weight).T)
            graph.initializer.remove(weight)
            weight = numpy_helper.from_array(matrix, f"{weight.name}_transposed")
            graph.initializer.append(weight)
        product, output = f"{node.output[0]}_product", node.output[0]
        sum_ = helper.make_node("Add", [product, *node.input[2:]], [output], name=f"{node.name}_Add")
        sum_.metadata_props.extend(node.metadata_props)
        node.op_type = "MatMul"
        del node.attribute[:]
        node.input[:] = [node.input[0], weight.name]
        node.output[0] = product
        nodes.append(sum_)
    del graph.node[:]
    graph.node.extend(nodes)


def _dims(whole: ReplaceableParameter, *, is_transposed: bool) -> tuple[int | str, ...]:
    dims: list[int | str] = list(whole.value.shape)
    if whole.has_classes:
        dims[0] = CLASSES
    return tuple(reversed(dims) if is_transposed else dims)


def _initializer(graph: onnx.GraphProto, name: str) -> TensorProto:
    """A parameter's tensor: under its own name, or transposed as the right side of its module's product."""
    by_name: dict[str, TensorProto] = {item.name: item for item in graph.initializer}
    if WRAPPER + name in by_name:
        return by_name[WRAPPER + name]
    module, _, leaf = name.rpartition(".")
    products = [node for node in graph.node if node.op_type in PRODUCTS and module_of(node) == module]
    if leaf == "weight" and products and products[0].input[1] in by_name:
        return by_name[products[0].input[1]]
    raise ModelError(
        f"an adapter has its own '{name}', which the base's graph lacks; such an adapter is exported alone, by "
        "slimtune export"
    )


def _add_input(graph: onnx.GraphProto, name: str, value: np.ndarray, dims: tuple[int | str, ...]) -> None:
    graph.input.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, dims))
    graph.initializer.append(numpy_helper.from_array(value, name))


def module_of(node: onnx.NodeProto) -> str | None:
    """The module of transformers' model that a node of a traced graph comes from."""
    for item in node.metadata_props:
        if item.key == SCOPES:
            scopes = ast.literal_eval(item.value)
            return str(scopes[-2]).removeprefix(WRAPPER) if len(scopes) > 1 else None
    return None


def module_of_builder(node: onnx.NodeProto) -> str | None:
    """The same for a graph by onnxruntime-genai's model builder, made with `fuse_qkv=false`."""
    found = re.fullmatch(r"/model/layers\.(\d+)/(attn|mlp)/(\w+_proj)/MatMul(?:NBits|_Q\d+)?", node.name)
    if found is None:
        return None
    return f"model.layers.{found[1]}.{'self_attn' if found[2] == 'attn' else 'mlp'}.{found[3]}"
