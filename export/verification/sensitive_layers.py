"""Which layers a variant loses most by: the scores with each quantized alone are compared with those of fp32."""

import ast
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx

from slimtune.export.graph_names import MODEL
from slimtune.export.graphs.tracing import SCOPES, WRAPPER
from slimtune.export.runtime.execution import Execution
from slimtune.export.runtime.static_shape import Feed
from slimtune.export.variants.build import graphs, named
from slimtune.export.variants.int8_embeddings import is_lookup
from slimtune.export.variants.quantization_settings import QuantizationSettings
from slimtune.export.variants.quantize import MATRIX_PRODUCTS
from slimtune.export.verification.layer_gaps import layer_gaps

FP32_BYTES = 4

Build = Callable[[Path, Path, QuantizationSettings], None]
# scores of a folder's graphs on a few training rows
Score = Callable[[Path], np.ndarray]


class Layer(NamedTuple):
    """Nodes that are quantized or kept together.

    Attributes:
        name: The module that they belong to.
        nodes: Their names in the graph.
        fp32_mb: Size of their weights in 10^6 bytes.
    """

    name: str
    nodes: frozenset[str]
    fp32_mb: float


class LayerCost(NamedTuple):
    """What a layer costs that is quantized alone.

    Attributes:
        layer: What was quantized alone.
        gap: Root mean square of the difference that it makes to the scores.
    """

    layer: Layer
    gap: float


def layer_costs(
    source: Path, scratch: Path, settings: QuantizationSettings, *, build: Build, score: Score
) -> list[LayerCost]:
    """All layers with what each costs, first those that give the most back for their size.

    Errors of layers are taken to be independent, so that their squares add up.

    Args:
        source: The folder of the fp32 graphs.
        scratch: A folder to build in; it is removed.
        settings: Of the variant.
        build: Makes the variant.
        score: On rows that no decision is checked on.
    """
    layers = layers_of(source)
    every = frozenset(name for layer in layers for name in layer.nodes)
    exact = score(source)
    costs = []
    for layer in layers:
        build(source, scratch, settings._replace(kept=every - layer.nodes))
        gap = float(np.sqrt(np.mean((score(scratch) - exact) ** 2)))
        costs.append(LayerCost(layer, gap))
    shutil.rmtree(scratch, ignore_errors=True)
    return _in_order(costs)


def encoder_layer_costs(source: Path, variant: Path, feeds: Sequence[Feed], *, execution: Execution) -> list[LayerCost]:
    """The same of an encoder, in seconds: no layer is built alone.

    Args:
        source: The folder of the fp32 graph.
        variant: That of the variant, with all layers quantized.
        feeds: Batches that no decision is checked on.
        execution: Where both run.
    """
    layers = layers_of(source)
    prefix = named(source / MODEL, "")
    nodes = {layer.name: {name.removeprefix(prefix) for name in layer.nodes} for layer in layers}
    gaps = layer_gaps(source / MODEL, variant / MODEL, nodes, feeds, execution=execution)
    return _in_order([LayerCost(layer, gaps[layer.name]) for layer in layers])


def _in_order(costs: Sequence[LayerCost]) -> list[LayerCost]:
    return sorted(costs, key=lambda cost: (-(cost.gap**2) / cost.layer.fp32_mb, cost.layer.name))


def fewest_kept(
    costs: Sequence[LayerCost], passes: Callable[[frozenset[str]], bool], *, room_mb: float = float("inf")
) -> list[Layer] | None:
    """The fewest of the first layers that must be kept in fp32 for the variant to pass; None if it never does.

    It is searched by halving: a variant with more of them kept is taken to be better.

    Args:
        costs: Of all layers, in the order in which they are kept.
        passes: Whether the variant does with such nodes kept.
        room_mb: What the kept layers may have in fp32.
    """
    sizes_mb = np.cumsum([cost.layer.fp32_mb for cost in costs])
    low, high = 1, min(len(costs) - 1, int(np.searchsorted(sizes_mb, room_mb, side="right")))
    found = None
    while low <= high:
        middle = (low + high) // 2
        layers = [cost.layer for cost in costs[:middle]]
        if passes(frozenset(name for layer in layers for name in layer.nodes)):
            found, high = layers, middle - 1
        else:
            low = middle + 1
    return found


def layers_of(folder: Path) -> list[Layer]:
    """The matrix products with weights and the embeddings of a folder's graphs, by the module that holds them."""
    nodes: dict[str, list[str]] = {}
    weights: dict[str, dict[str, float]] = {}
    for path in graphs(folder):
        graph = onnx.load(path, load_external_data=False).graph
        sizes = {item.name: FP32_BYTES * float(np.prod(item.dims)) / 1e6 for item in graph.initializer}
        # tables that are multiplied with as well
        turned = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Transpose"}
        sizes |= {name: sizes[table] for name, table in turned.items() if table in sizes}
        for node in graph.node:
            weight = _weight(node, sizes)
            if weight is not None:
                name = _module(node)
                nodes.setdefault(name, []).append(named(path, node.name))
                weights.setdefault(name, {})[named(path, weight)] = sizes[weight]
    return [Layer(name, frozenset(names), sum(weights[name].values())) for name, names in nodes.items()]


def _weight(node: onnx.NodeProto, sizes: Mapping[str, float]) -> str | None:
    if is_lookup(node, sizes):
        return str(node.input[0])
    return str(node.input[1]) if node.op_type in MATRIX_PRODUCTS and node.input[1] in sizes else None


def _module(node: onnx.NodeProto) -> str:
    """A transformer layer's part (`encoder.layer.3.attention`), or the whole module outside of the layers."""
    noted = {item.key: item.value for item in node.metadata_props}
    if SCOPES not in noted:
        return str(node.name)
    scopes = ast.literal_eval(noted[SCOPES])
    parts = str(scopes[-2] if len(scopes) > 1 else scopes[-1]).removeprefix(WRAPPER).split(".")
    numbers = [place for place, part in enumerate(parts) if part.isdigit()]
    return ".".join(parts[: numbers[0] + 2] if numbers else parts[:-1] or parts)
