"""Products in int8 whose terms are sums: of weights, of activations, and of both in onnxruntime."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from slimtune.export.variants.split_products import WEIGHTS_A_BYTE, split_matrix, split_products

K, N = 64, 24


def drawn(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(K, N)).astype(np.float32)


def product_graph(*weights: np.ndarray, activations: Sequence[str] = ("x",)) -> onnx.ModelProto:
    """A product for each matrix, of the activations in turn."""
    names = [activations[at % len(activations)] for at in range(len(weights))]
    nodes = [helper.make_node("MatMul", [name, f"w{at}"], [f"y{at}"], f"product{at}") for at, name in enumerate(names)]
    graph = helper.make_graph(
        nodes,
        "products",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", K]) for name in dict.fromkeys(names)],
        [
            helper.make_tensor_value_info(f"y{at}", TensorProto.FLOAT, ["n", one.shape[1]])
            for at, one in enumerate(weights)
        ],
        [numpy_helper.from_array(one, f"w{at}") for at, one in enumerate(weights)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def ran(model: onnx.ModelProto, **feed: np.ndarray) -> list[np.ndarray]:
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    found: list[np.ndarray] = session.run(None, feed)
    return found


def rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))


def in_eight_bits(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """As `DynamicQuantizeLinear` and a scale for each output have it."""
    step, scale_N = (x.max() - x.min()) / 255, np.abs(weight).max(axis=0) / 127
    return (np.round(x / step) * step) @ (np.round(weight / scale_N) * scale_N)


def test_a_matrix_is_the_sum_of_its_terms_to_a_sixteenth_of_a_step() -> None:
    weight = drawn()
    weight[:, 3] = 0
    found = split_matrix(weight)
    whole = (found.coarse_KN + found.rest_KN / 8) * found.scale_N
    # an eighth to either side, and the largest are cut at 127 steps and three eighths
    assert (np.abs(whole - weight) <= found.scale_N / 8 + 1e-7).all()
    assert (whole[:, 3] == 0).all()


def test_rests_are_packed_four_to_a_byte() -> None:
    found = split_matrix(drawn())
    assert found.packed.shape == (K // WEIGHTS_A_BYTE, N)
    places = np.concatenate([(found.packed >> (2 * place)) & 3 for place in range(WEIGHTS_A_BYTE)])
    assert np.array_equal(places.astype(np.int8) * 2 - 3, found.rest_KN)


@pytest.mark.parametrize("outlier", [1.0, 100.0])
def test_a_product_is_nearly_that_of_fp32_whatever_one_activation_is(outlier: float) -> None:
    """One scale for the whole tensor, as `DynamicQuantizeLinear` has it, would cost the others all their bits."""
    weight, x = drawn(), np.random.default_rng(1).normal(size=(5, K)).astype(np.float32)
    x[2, 7] *= outlier
    model = product_graph(weight)
    (exact,) = ran(model, x=x)
    split_products(model)
    assert "MatMul" not in {node.op_type for node in model.graph.node}
    assert "w0" not in {item.name for item in model.graph.initializer}
    (found,) = ran(model, x=x)
    assert rms(found - exact) < rms(in_eight_bits(x, weight) - exact) / 5
    others = [0, 1, 3, 4]
    assert rms(found[others] - exact[others]) < 0.004 * rms(exact[others])


@pytest.mark.parametrize("x", [np.zeros((2, K)), np.full((2, K), 3.0), -np.ones((2, K))])
def test_activations_of_one_sign_or_none(x: np.ndarray) -> None:
    model = product_graph(drawn())
    (exact,) = ran(model, x=x.astype(np.float32))
    split_products(model)
    (found,) = ran(model, x=x.astype(np.float32))
    assert np.abs(found - exact).max() < 0.01 * max(1.0, np.abs(exact).max())


def test_products_of_one_activation_are_one_and_each_is_answered() -> None:
    weights = [drawn(seed) for seed in range(3)]
    model, x = product_graph(*weights), np.random.default_rng(1).normal(size=(4, K)).astype(np.float32)
    exact = ran(model, x=x)
    split_products(model)
    assert [node.op_type for node in model.graph.node].count("MatMulInteger") == 3
    for found, expected in zip(ran(model, x=x), exact, strict=True):
        assert np.abs(found - expected).max() < 0.05


def test_what_is_kept_and_what_cannot_be_split_stay_as_they_are() -> None:
    odd = np.ones((K, N), np.float32)
    model = product_graph(drawn(), odd)
    split_products(model, kept=["product0", "product1"])
    assert model.SerializeToString() == product_graph(drawn(), odd).SerializeToString()
    model = product_graph(drawn(0), drawn(1), activations=("x", "z"))
    split_products(model, kept=["product1"])
    assert [node.name for node in model.graph.node if node.op_type == "MatMul"] == ["product1"]


def test_the_same_weights_give_the_same_graph(tmp_path: Path) -> None:
    graphs = []
    for _ in range(2):
        model = product_graph(drawn(), drawn(1))
        split_products(model)
        graphs.append(model.SerializeToString())
    assert graphs[0] == graphs[1]
    # ten bits of thirty-two, and three numbers for each output
    assert len(graphs[0]) < 0.5 * len(product_graph(drawn(), drawn(1)).SerializeToString()) + 6000
