"""What the rows give each product, without padding, and the ten bits that follow from it."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import slimtune.export.variants.input_moments as module
from slimtune.export.runtime.execution import ON_CPU
from slimtune.export.variants.input_moments import input_moments, places_with_feedback
from slimtune.export.variants.split_matrix import split_matrix

V, K, N = 20, 16, 8


def drawn(*shape: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


TABLE = drawn(V, 2, seed=0) @ drawn(2, K, seed=1)
MATRICES = {"first": drawn(K, N, seed=2), "second": drawn(K, 4, seed=3)}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Embeddings of two numbers each, with two products."""
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["embedded"], "lookup")]
    nodes += [helper.make_node("MatMul", ["embedded", name], [f"of_{name}"], f"node_{name}") for name in MATRICES]
    ints = [helper.make_tensor_value_info(name, TensorProto.INT64, [None, None]) for name in ("input_ids",)]
    floats = [helper.make_tensor_value_info(f"of_{name}", TensorProto.FLOAT, None) for name in MATRICES]
    stored = [numpy_helper.from_array(value, name) for name, value in {"table": TABLE, **MATRICES}.items()]
    graph = helper.make_graph(nodes, "two", ints, floats, stored)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), tmp_path / "x.onnx")
    return tmp_path / "x.onnx"


FEEDS = [{"input_ids": np.array([[1, 2, 3]])}, {"input_ids": np.array([[4, 5]])}]


@pytest.mark.parametrize("held", [1, 1000])
def test_moments_are_sums_over_all_tokens(source: Path, held: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_TOKENS", held)
    found = input_moments(onnx.load(source), ["embedded"], FEEDS, ON_CPU)
    given = TABLE[1:6]
    assert np.allclose(found["embedded"], given.T @ given, rtol=1e-5)


def test_padding_is_none() -> None:
    values, mask = drawn(2, 3, K, seed=4), np.array([[1, 1, 0], [1, 0, 0]])
    assert module._without_padding(values, {"attention_mask": mask}).shape == (3, K)
    assert module._without_padding(values[:, 0], {"attention_mask": mask}).shape == (2, K), "one vector a row"


def test_matrices_are_nearer_on_such_rows(source: Path) -> None:
    feeds = [{"input_ids": np.arange(15)[None]}]
    places = places_with_feedback(source, feeds)
    assert places.keys() == MATRICES.keys()
    for name, weight in MATRICES.items():
        plain = split_matrix(weight)
        lost, by_rounding = (
            np.linalg.norm(TABLE[15:] @ (one.values - weight)) for one in (plain._replace(place_KN=places[name]), plain)
        )
        assert lost < by_rounding


def test_products_too_wide_for_it_and_those_without_rows_are_left(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not places_with_feedback(source, [])
    monkeypatch.setattr(module, "MOST_INPUTS", K - 1)
    assert not places_with_feedback(source, FEEDS)


def test_moments_that_do_not_fit_at_once_are_taken_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 2 * 4 * 10**2)
    assert list(module._at_a_time({"a": 10, "b": 10, "c": 10, "d": 40})) == [["a", "b"], ["c"], ["d"]]


def test_what_is_not_finite_is_nothing_to_go_by(source: Path) -> None:
    """Such matrices are rounded to the nearest."""
    graph = onnx.load(source)
    broken = TABLE.copy()
    broken[3] = np.nan
    graph.graph.initializer[0].CopyFrom(numpy_helper.from_array(broken, "table"))
    onnx.save(graph, source)
    assert places_with_feedback(source, FEEDS) == {}
