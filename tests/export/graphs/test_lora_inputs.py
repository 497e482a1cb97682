"""LoRA branches and replaceable parameters, on graphs of one and two layers."""

# B rows, K input features, N output features, r rank, C classes

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from slimtune.export.adapters.adapter_file import write_adapter
from slimtune.export.config import Calibration, Variant
from slimtune.export.graphs.lora_inputs import (
    ReplaceableParameter,
    add_lora_inputs,
    module_of,
    module_of_builder,
    open_parameters,
)
from slimtune.export.graphs.tracing import SCOPES
from slimtune.export.runtime.adapter_session import AdapterSession
from slimtune.export.variants.quantization_settings import QuantizationSettings
from slimtune.export.variants.quantize import BUILDERS
from slimtune.training.errors import ModelError

K, N, RANDOM = 64, 32, np.random.default_rng(0)
X_BK = RANDOM.normal(size=(5, K)).astype(np.float32)


def draw(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape).astype(np.float32)


def node(kind: str, inputs: list[str], output: str, module: str, **attributes: int) -> onnx.NodeProto:
    made = helper.make_node(kind, inputs, [output], name=f"node_{output}", **attributes)
    made.metadata_props.add(key=SCOPES, value=repr(["", f"model.{module}", "linear"]))
    return made


def graph_of(nodes: list[onnx.NodeProto], weights: Mapping[str, np.ndarray], *, width: int = N) -> onnx.ModelProto:
    """From `x` (B, K) to `y` (B, width)."""
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", K])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", width])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def session_of(model: onnx.ModelProto, path: Path) -> onnxruntime.InferenceSession:
    onnx.save(model, path)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def adapter(path: Path, values: Mapping[str, np.ndarray]) -> Path:
    write_adapter(path, values)
    return path


@pytest.mark.parametrize("kind", ["MatMul", "Gemm", "Gemm, transposed"])
@pytest.mark.parametrize("rank", [1, 7])
def test_a_product_gets_an_update_of_any_rank(kind: str, rank: int, tmp_path: Path) -> None:
    """And is the base's own without an adapter."""
    weight_KN, transposed = draw(K, N), kind.endswith("transposed")
    attributes = {"transB": 1} if transposed else {}
    made = node(kind.split(",")[0], ["x", "w"], "y", "layer", **attributes)
    model = graph_of([made], {"w": np.ascontiguousarray(weight_KN.T) if transposed else weight_KN})
    added = add_lora_inputs(model, ["layer"], module_of)
    assert added == {"layer/0/lora_A", "layer/0/lora_B", "layer/0/lora_Add"}
    base = session_of(model, tmp_path / "model.onnx")
    values = {"layer.lora_A.weight": draw(K, rank), "layer.lora_B.weight": draw(rank, N)}
    down_KR, up_RN = values.values()
    switched = AdapterSession(base, adapter(tmp_path / "a.onnx_adapter", values))
    expected = X_BK @ weight_KN
    np.testing.assert_allclose(base.run(None, {"x": X_BK})[0], expected, rtol=1e-4, atol=1e-4)
    with_update = expected + X_BK @ down_KR @ up_RN
    np.testing.assert_allclose(switched.run(None, {"x": X_BK})[0], with_update, rtol=1e-3, atol=1e-3)


def test_a_layer_that_is_used_twice_is_updated_twice(tmp_path: Path) -> None:
    weight = draw(K, K) / 8
    nodes = [node("MatMul", ["x", "w"], "h", "layer"), node("MatMul", ["h", "w"], "y", "layer")]
    model = graph_of(nodes, {"w": weight}, width=K)
    add_lora_inputs(model, ["layer"], module_of)
    values = {"layer.lora_A.weight": draw(K, 2), "layer.lora_B.weight": draw(2, K) / 8}
    both = weight + np.matmul(*values.values())
    base = session_of(model, tmp_path / "model.onnx")
    found = AdapterSession(base, adapter(tmp_path / "a.onnx_adapter", values)).run(None, {"x": X_BK})[0]
    np.testing.assert_allclose(found, X_BK @ both @ both, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("variant", [Variant.int8_dynamic, Variant.int4_blockwise])
def test_a_quantized_product_has_an_update_in_full_precision(variant: Variant, tmp_path: Path) -> None:
    """What an adapter adds is the same to the last bits, whatever the base was rounded to."""
    model = graph_of([node("MatMul", ["x", "w"], "y", "layer")], {"w": draw(K, N)})
    kept = add_lora_inputs(model, ["layer"], module_of)
    onnx.save(model, tmp_path / "fp32.onnx")
    recipe = QuantizationSettings(
        per_channel=True, block_size=32, symmetric=False, calibration=Calibration.minmax, kept=kept
    )
    BUILDERS[variant](tmp_path / "fp32.onnx", tmp_path / "small.onnx", recipe)
    small = onnx.load(tmp_path / "small.onnx")
    del small.graph.value_info[:]
    kinds = {item.op_type for item in small.graph.node}
    assert kinds & {"MatMulInteger", "MatMulNBits"}
    base = session_of(small, tmp_path / "small.onnx")
    values = {"layer.lora_A.weight": draw(K, 3), "layer.lora_B.weight": draw(3, N)}
    down_KR, up_RN = values.values()
    switched = AdapterSession(base, adapter(tmp_path / "a.onnx_adapter", values))
    alone, updated = (session.run(None, {"x": X_BK})[0] for session in (base, switched))
    assert np.abs(alone - X_BK @ numpy_helper.to_array(model.graph.initializer[0])).max() > 1e-3, "it is rounded"
    np.testing.assert_allclose(updated - alone, X_BK @ down_KR @ up_RN, rtol=1e-4, atol=1e-4)


def head(*, module: str = "head") -> onnx.ModelProto:
    weights = {"model.head.weight": draw(N, K), "model.head.bias": draw(N)}
    return graph_of([node("Gemm", ["x", *weights], "y", module, transB=1)], weights)


def test_a_head_may_have_any_number_of_classes(tmp_path: Path) -> None:
    """The base has none here; an adapter brings weight and bias."""
    model = head()
    wholes = {
        "head.weight": ReplaceableParameter(np.zeros((0, K)), True),
        "head.bias": ReplaceableParameter(np.zeros(0), True),
    }
    opened = open_parameters(model, wholes)
    assert opened.transposed == {"head.weight": True, "head.bias": False}
    assert opened.kept == {"node_y", "node_y_Add"}
    base = session_of(model, tmp_path / "model.onnx")
    assert base.run(None, {"x": X_BK})[0].shape == (5, 0)
    for num_classes in (2, 9):
        weight_CK, bias_C = draw(num_classes, K), draw(num_classes)
        values = {"head.weight": np.ascontiguousarray(weight_CK.T), "head.bias": bias_C}
        switched = AdapterSession(base, adapter(tmp_path / f"{num_classes}.onnx_adapter", values))
        found = switched.run(None, {"x": X_BK})[0]
        np.testing.assert_allclose(found, X_BK @ weight_CK.T + bias_C, rtol=1e-4, atol=1e-4)


def test_a_parameter_of_two_modules_is_refused() -> None:
    model = head(module="another")
    with pytest.raises(ModelError, match=r"its own 'head.bias', which the base uses in several places"):
        open_parameters(model, {"head.bias": ReplaceableParameter(np.zeros(N), False)})


def test_what_is_not_in_the_graph_is_refused() -> None:
    model = head()
    with pytest.raises(ModelError, match=r"updates 'pooler', which is no linear layer of the base's graph"):
        add_lora_inputs(model, ["head", "pooler"], module_of)
    with pytest.raises(ModelError, match=r"its own 'norm.weight', which the base's graph lacks"):
        open_parameters(model, {"norm.weight": ReplaceableParameter(np.zeros(N), False)})


def test_nodes_of_the_builder_have_their_modules_in_their_names() -> None:
    names = {
        "/model/layers.0/attn/q_proj/MatMul": "model.layers.0.self_attn.q_proj",
        "/model/layers.11/mlp/down_proj/MatMulNBits": "model.layers.11.mlp.down_proj",
        "/model/layers.0/attn/v_proj/MatMul_Q4": "model.layers.0.self_attn.v_proj",
        "/lm_head/MatMul": None,
    }
    assert {name: module_of_builder(helper.make_node("MatMul", [], [], name=name)) for name in names} == names
