"""How the inputs of a graph's products go along with each other, on rows that it is given."""

# R tokens of a batch without padding, K inputs of a product, N outputs

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from slimtune.export.graph_names import MODEL
from slimtune.export.graphs.tracing import save_graph
from slimtune.export.runtime.execution import ON_CPU, Execution, open_graph
from slimtune.export.runtime.static_shape import Feed
from slimtune.export.variants.error_feedback import rounded_with_feedback
from slimtune.export.variants.split_matrix import MIDDLE_PLACE, nearest_values, steps_of
from slimtune.export.variants.split_products import products_of
from slimtune.export.variants.tied_embeddings import untie

MASK = "attention_mask"
# products with more inputs are rounded to the nearest: their moments would take minutes
MOST_INPUTS = 4096
# of the moments that are held at a time
MOST_BYTES = 1 << 30
# tokens whose inputs are held at a time
MOST_TOKENS = 2048


def places_with_feedback(
    source: Path, feeds: Sequence[Feed], *, execution: Execution = ON_CPU
) -> dict[str, np.ndarray]:
    """The ten bits of each matrix, rounded so that errors make up for each other on the given rows.

    Args:
        source: The fp32 graph of an encoder.
        feeds: Batches of rows; none leaves every matrix to be rounded to the nearest.
        execution: Where the graph runs.

    Returns:
        The places (K, N), uint16, by the name of the matrix.
    """
    graph = onnx.load(source)
    untie(graph)
    weights = {item.name: item for item in graph.graph.initializer}
    readers: dict[str, set[str]] = {}
    for node in products_of(graph.graph):
        if weights[node.input[1]].dims[0] <= MOST_INPUTS:
            readers.setdefault(node.input[0], set()).add(node.input[1])
    found: dict[str, np.ndarray] = {}
    if not feeds:
        return found
    sizes = {name: weights[min(matrices)].dims[0] for name, matrices in readers.items()}
    for names in _at_a_time(sizes):
        moments = input_moments(graph, names, feeds, execution)
        for name in names:
            matrices = sorted(readers[name] - found.keys())
            if not matrices:
                continue
            parts = [numpy_helper.to_array(weights[matrix]) for matrix in matrices]
            ends = np.cumsum([part.shape[1] for part in parts])[:-1]
            if not np.isfinite(moments[name]).all():
                # an activation was not: there is nothing to go by
                continue
            places_KN = _places(np.concatenate(parts, axis=1), moments[name])
            found |= dict(zip(matrices, np.split(places_KN, ends, axis=1), strict=True))
    return found


def input_moments(
    graph: onnx.ModelProto, names: Sequence[str], feeds: Sequence[Feed], execution: Execution
) -> dict[str, np.ndarray]:
    """Sums of the products of two inputs (K, K) over all tokens but padding, by the name of what gives the inputs."""
    shown = onnx.ModelProto()
    shown.CopyFrom(graph)
    shown.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names)
    moments: dict[str, np.ndarray] = {}
    waiting: list[list[np.ndarray]] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / MODEL
        save_graph(shown, path)
        session = open_graph(path, execution)
        for number, feed in enumerate(feeds, start=1):
            found = session.run(list(names), dict(feed))
            waiting.append([_without_padding(np.asarray(values), feed) for values in found])
            # many tokens at once: a small product costs as much as it takes to add it up
            if number == len(feeds) or sum(len(inputs[0]) for inputs in waiting) >= MOST_TOKENS:
                for name, parts in zip(names, zip(*waiting, strict=True), strict=True):
                    given_RK = np.concatenate(parts)
                    moments[name] = moments.get(name, 0) + given_RK.T @ given_RK
                waiting = []
    return moments


def _at_a_time(sizes: dict[str, int]) -> Iterator[list[str]]:
    """Names whose moments are held together."""
    names: list[str] = []
    held = 0
    for name, size in sizes.items():
        if names and held + 4 * size**2 > MOST_BYTES:
            yield names
            names, held = [], 0
        names.append(name)
        held += 4 * size**2
    if names:
        yield names


def _without_padding(values: np.ndarray, feed: Feed) -> np.ndarray:
    mask = feed.get(MASK)
    if mask is not None and values.shape[:-1] == mask.shape:
        return np.asarray(values[mask > 0])
    return values.reshape(-1, values.shape[-1])


def _places(weight_KN: np.ndarray, moments_KK: np.ndarray) -> np.ndarray:
    step_N = steps_of(weight_KN)
    in_steps_KN = weight_KN / np.where(step_N == 0, 1, step_N)
    rounded_KN = rounded_with_feedback(in_steps_KN, moments_KK, nearest_values)
    return np.asarray((rounded_KN + MIDDLE_PLACE).astype(np.uint16))
