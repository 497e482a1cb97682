"""What each layer of a variant does to an encoder's scores, from one variant and a few batches."""

# B rows of a batch, T tokens

import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

from slimtune.export.graph_names import MODEL
from slimtune.export.graphs.tracing import save_graph
from slimtune.export.runtime.execution import Execution, open_graph
from slimtune.export.runtime.static_shape import Feed
from slimtune.export.variants.int8_embeddings import is_lookup

MASK = "attention_mask"
NOTHING = np.zeros((), np.float32)


class _Place(NamedTuple):
    """Where a node's error is seen: `given` is what it reads (None of a lookup), `made` a tensor of both graphs."""

    given: str | None
    made: str


def layer_gaps(
    exact: Path, variant: Path, layers: Mapping[str, Collection[str]], feeds: Sequence[Feed], *, execution: Execution
) -> dict[str, float]:
    """Root mean square of what each layer alone changes of the scores.

    Nothing is built for it: the variant's nodes get what those of the fp32 graph get, and the difference that a layer's
    make is added where the fp32 graph has them. Nodes of one layer do not see the errors of each other, and what
    `int8_static` does to the outputs of products is not among them.

    Args:
        exact: The fp32 graph.
        variant: The graph with all layers quantized.
        layers: Names of a layer's nodes in the fp32 graph, by the layer's.
        feeds: Batches of rows.
        execution: Where both run.
    """
    graph, other = onnx.load(exact), onnx.load(variant)
    places = _places(graph.graph, {name for names in layers.values() for name in names}, other.graph)
    logits = graph.graph.output[0].name
    with tempfile.TemporaryDirectory() as folder:
        seen = sorted({name for place in places.values() for name in place if name is not None})
        first = _opened(_with_differences(graph, places, seen), Path(folder) / "exact", execution)
        second = _opened(_cut(other, places), Path(folder) / "variant", execution)
        squares: dict[str, list[np.ndarray]] = {name: [] for name in layers}
        for feed in feeds:
            none = {_difference(place.made): NOTHING for place in places.values()}
            values = dict(zip([logits, *seen], first.run([logits, *seen], {**feed, **none}), strict=True))
            changes = {
                _difference(name): value - values[name] for name, value in _made(second, places, feed, values).items()
            }
            for name, nodes in layers.items():
                keys = {_difference(places[node].made) for node in nodes if node in places}
                (found,) = first.run([logits], {**feed, **none, **{key: changes[key] for key in keys}})
                squares[name].append(_of_rows((found - values[logits]) ** 2, feed))
    return {name: float(np.sqrt(np.mean(np.concatenate(found)))) for name, found in squares.items()}


def _places(graph: onnx.GraphProto, names: Collection[str], other: onnx.GraphProto) -> dict[str, _Place]:
    """Of each node: its own output, or what the node after it makes if a variant made one of both."""
    made = {output for node in other.node for output in node.output}
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    tables = {item.name for item in graph.initializer}
    found = {}
    for node in graph.node:
        if node.name not in names:
            continue
        output = node.output[0]
        while output not in made and len(readers.get(output, [])) == 1:
            output = readers[output][0].output[0]
        if output in made:
            found[node.name] = _Place(None if is_lookup(node, tables) else node.input[0], output)
    return found


def _with_differences(graph: onnx.ModelProto, places: Mapping[str, _Place], seen: Sequence[str]) -> onnx.ModelProto:
    """The fp32 graph, which shows the given tensors and adds an input to what each place makes."""
    nodes = []
    moved = {place.made for place in places.values()}
    for node in graph.graph.node:
        nodes.append(node)
        for at, output in enumerate(node.output):
            if output in moved:
                node.output[at] = f"{output}_exact"
                given = [node.output[at], _difference(output)]
                nodes.append(helper.make_node("Add", given, [output], f"{output}_with_difference"))
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)
    graph.graph.input.extend(_of_any_shape(_difference(name)) for name in sorted(moved))
    given_already = {item.name for item in graph.graph.output}
    graph.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in seen if name not in given_already)
    return graph


def _cut(graph: onnx.ModelProto, places: Mapping[str, _Place]) -> onnx.ModelProto:
    """The variant, of which each place reads an input of the graph instead of what the nodes before it made."""
    read = sorted({place.given for place in places.values() if place.given is not None})
    for node in graph.graph.node:
        for at, output in enumerate(node.output):
            if output in read:
                node.output[at] = _own(output)
    already = {item.name for item in graph.graph.input}
    graph.graph.input.extend(_of_any_shape(name) for name in read if name not in already)
    del graph.graph.output[:]
    graph.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in _shown(places).values())
    return graph


def _shown(places: Mapping[str, _Place]) -> dict[str, str]:
    """What each place makes, by its name in the cut graph."""
    read = {place.given for place in places.values()}
    return {made: _own(made) if made in read else made for made in sorted({place.made for place in places.values()})}


def _made(
    session: onnxruntime.InferenceSession,
    places: Mapping[str, _Place],
    feed: Feed,
    values: Mapping[str, np.ndarray],
) -> dict[str, np.ndarray]:
    known = {item.name for item in session.get_inputs()}
    given = {name: array for name, array in {**feed, **values}.items() if name in known}
    shown = _shown(places)
    return dict(zip(shown, session.run(list(shown.values()), given), strict=True))


def _opened(graph: onnx.ModelProto, folder: Path, execution: Execution) -> onnxruntime.InferenceSession:
    folder.mkdir()
    # shapes that a quantizer noted are not those of inputs of any shape
    del graph.graph.value_info[:]
    save_graph(graph, folder / MODEL)
    return open_graph(folder / MODEL, execution)


def _of_rows(values: np.ndarray, feed: Feed) -> np.ndarray:
    """Without padding, flat."""
    mask = feed.get(MASK)
    return np.asarray(values[mask > 0] if mask is not None and values.shape[:2] == mask.shape else values).ravel()


def _of_any_shape(name: str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, None)


def _difference(name: str) -> str:
    return f"{name}_difference"


def _own(name: str) -> str:
    return f"{name}_of_the_variant"
