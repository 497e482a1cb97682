"""Products of int8 terms are those of fp32 to about ten bits, whatever activations are like."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from slimtune.export.variants.split_products import split_matrix, split_products

K, N = 64, 24


def drawn(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def graph_of(*weights_KN: np.ndarray) -> onnx.ModelProto:
    """Products of one activation."""
    numbers = range(len(weights_KN))
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", f"w{one}"], [f"y{one}"], f"product{one}") for one in numbers],
        "products",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", len(weights_KN[0])])],
        [helper.make_tensor_value_info(f"y{one}", TensorProto.FLOAT, ["rows", None]) for one in numbers],
        [numpy_helper.from_array(weight, f"w{one}") for one, weight in enumerate(weights_KN)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def run(model: onnx.ModelProto, x: np.ndarray) -> list[np.ndarray]:
    found = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})
    return [np.asarray(one) for one in found]


def test_a_weight_is_within_an_eighth_of_its_step() -> None:
    weight = drawn(K, N)
    weight[:, 3] = 0
    found = split_matrix(weight)
    again = found.scale_N * (found.coarse_KN + found.rest_KN / 8)
    assert (np.abs(again - weight) <= np.abs(weight).max(axis=0) / 127.5 / 8 * 1.01 + 4e-3 * found.scale_N).all()
    assert not again[:, 3].any(), "an output without weights stays 0"
    assert set(np.unique(found.rest_KN)) <= {-3, -1, 1, 3}
    assert abs(int(found.coarse_KN.min())) <= 127
    places = [(found.packed >> (2 * place)) & 3 for place in range(4)]
    assert (2 * np.concatenate(places).astype(int) - 3 == found.rest_KN).all()


@pytest.mark.parametrize("shift", [-3.0, 0.0, 100.0])
@pytest.mark.parametrize("largest", [1.0, 50.0])
def test_a_few_large_values_cost_the_others_nothing(largest: float, shift: float) -> None:
    weight, x = drawn(K, N), drawn(9, K, seed=1) + shift
    x[0, 0] *= largest
    x[5] = 0
    model = graph_of(weight)
    split_products(model)
    onnx.checker.check_model(model)
    (found,) = run(model, x)
    exact = x.astype(np.float64) @ weight
    # an eighth of a step in a weight, a step of 14 bits in an activation
    lost_rows = np.linalg.norm(x, axis=1)[:, None] * np.abs(weight).max(axis=0) / 127.5 / 8
    lost_range = np.ptp(np.append(x, 0)) / 255 / 63 * np.linalg.norm(weight, axis=0)
    lost_both = np.ptp(np.append(x, 0)) / 255 * np.sqrt(K) * np.abs(weight).max(axis=0) / 127.5 / 2
    assert (np.abs(found - exact) <= 3 * (lost_rows + lost_range) + lost_both).all()
    assert not found[5].any() or np.abs(found[5]).max() < lost_both.max()


def test_first_terms_fit_what_processors_with_avx2_add_up_in() -> None:
    """Two products of an unsigned and a signed byte are added in 16 bits there, and cut off."""
    for low, high in ((-1.0, 0.0), (0.0, 1.0), (-0.3, 0.7), (-0.501, 0.499)):
        x = np.linspace(low, high, 255 * 4, dtype=np.float32).reshape(-1, 4)
        model = graph_of(np.ones((4, 4), np.float32))
        split_products(model)
        names = ("x_first", "x_second")
        model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.UINT8, None) for name in names)
        _, first, second = run(model, x)
        assert 2 * 127 * max(int(first.max()), int(second.max())) <= 32767


def test_products_of_one_activation_become_one() -> None:
    weights, x = [drawn(K, N, seed=2), drawn(K, 8, seed=3)], drawn(5, K)
    model = graph_of(*weights)
    split_products(model)
    assert sum(node.op_type == "MatMulInteger" for node in model.graph.node) == 3
    for found, weight in zip(run(model, x), weights, strict=True):
        assert np.abs(found - x @ weight).max() < 0.01 * np.abs(x @ weight).max()
    assert not {"w0", "w1"} & {item.name for item in model.graph.initializer}, "the fp32 matrices are gone"


def test_what_is_kept_and_what_four_does_not_divide_stays() -> None:
    kept, odd = graph_of(drawn(K, N)), graph_of(drawn(K - 1, N))
    split_products(kept, kept={"product0"})
    split_products(odd)
    assert [node.op_type for model in (kept, odd) for node in model.graph.node] == ["MatMul", "MatMul"]


def test_the_same_weights_give_the_same_graph() -> None:
    first, second = graph_of(drawn(K, N)), graph_of(drawn(K, N))
    split_products(first)
    split_products(second)
    assert first.SerializeToString(deterministic=True) == second.SerializeToString(deterministic=True)
