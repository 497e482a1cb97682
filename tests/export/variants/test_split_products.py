"""Products of int8 terms are those of fp32 to about ten bits, whatever activations are like."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from slimtune.export.variants.split_matrix import split_matrix
from slimtune.export.variants.split_products import split_products

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
    weight = drawn(K, N)
    terms = [int(np.abs(term.astype(int)).max()) for term in split_matrix(weight).terms]
    for low, high in ((-1.0, 0.0), (0.0, 1.0), (-0.3, 0.7), (-0.501, 0.499)):
        x = np.linspace(low, high, 255 * K, dtype=np.float32).reshape(-1, K)
        model = graph_of(weight)
        split_products(model)
        names = ("x_first", "x_second")
        model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.UINT8, None) for name in names)
        _, first, second = run(model, x)
        assert 2 * max(terms) * max(int(first.max()), int(second.max())) <= 32767
        assert int(second.min()) >= 0
        assert int(second.max()) <= 128, "half a step of the first term is the most that is left"


def test_terms_are_unpacked_as_they_are_written() -> None:
    model = graph_of(drawn(K, N))
    split_products(model)
    names = ("w0_coarse", "w0_rest")
    model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.INT8, None) for name in names)
    _, *terms = run(model, drawn(2, K))
    for found, term in zip(terms, split_matrix(drawn(K, N)).terms, strict=True):
        assert (found == term).all()


def with_constants(weights_KN: list[np.ndarray], constants_N: list[np.ndarray]) -> onnx.ModelProto:
    """Products of one activation, and what is added to the first of them."""
    model = graph_of(*weights_KN)
    for one, constant_N in enumerate(constants_N):
        model.graph.node.append(helper.make_node("Add", [f"y{one}", f"b{one}"], [f"z{one}"], f"addition{one}"))
        model.graph.initializer.append(numpy_helper.from_array(constant_N, f"b{one}"))
        model.graph.output[one].name = f"z{one}"
    return model


@pytest.mark.parametrize("count", [1, 2])
def test_what_is_added_to_products_goes_into_them(count: int) -> None:
    """Also where it is added to some of them alone."""
    weights, x = [drawn(K, N, seed=2), drawn(K, 8, seed=3)], drawn(5, K)
    constants = [drawn(N, seed=4), drawn(8, seed=5)][:count]
    model = with_constants(weights, constants)
    split_products(model)
    onnx.checker.check_model(model)
    assert sum(node.op_type == "Add" for node in model.graph.node) == 1
    exact = [x @ weight for weight in weights]
    for one, constant in enumerate(constants):
        exact[one] += constant
    for found, value in zip(run(model, x), exact, strict=True):
        assert np.abs(found - value).max() < 0.01 * np.abs(value).max()


def test_what_another_node_reads_as_well_is_added_where_it_was() -> None:
    model = with_constants([drawn(K, N)], [drawn(N, seed=4)])
    model.graph.output.append(helper.make_tensor_value_info("y0", TensorProto.FLOAT, ["rows", None]))
    split_products(model)
    added, product = run(model, drawn(5, K, seed=1))
    assert np.allclose(added, product + drawn(N, seed=4), atol=1e-6)


def test_matrices_that_are_rounded_already_stay_so() -> None:
    weight, x = drawn(K, N), drawn(5, K)
    found = split_matrix(weight)
    other = found.place_KN ^ 1
    model = graph_of(weight)
    split_products(model, places={"w0": other})
    exact = x @ found._replace(place_KN=other).values
    assert np.abs(run(model, x)[0] - exact).max() < 1e-3 * np.abs(exact).max()


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


@pytest.mark.parametrize("named", [True, False])
def test_nodes_need_no_names_and_nothing_stays_that_nobody_reads(named: bool) -> None:
    """An addition becomes part of its product; another one stays."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["product"]),
        helper.make_node("Add", ["product", "b"], ["moved"]),
        helper.make_node("Add", ["moved", "two"], ["y"]),
    ]
    for number, node in enumerate(nodes):
        node.name = f"node{number}" if named else ""
    weight, bias, x = drawn(K, N), drawn(N, seed=1), drawn(3, K, seed=2)
    stored = {"w": weight, "b": bias, "two": np.array([2], np.float32)}
    graph = helper.make_graph(
        nodes,
        "added",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", K])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", None])],
        [numpy_helper.from_array(value, name) for name, value in stored.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    split_products(model)
    (found,) = run(model, x)
    assert np.allclose(found, x @ weight + bias + 2, atol=0.1)
    read = {name for node in model.graph.node for name in node.input}
    assert {item.name for item in model.graph.initializer} <= read
