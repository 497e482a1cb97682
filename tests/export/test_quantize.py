from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from export.embeddings import quantize_embeddings

V, D = 50, 8


def lookup_graph(table_VD: np.ndarray) -> onnx.ModelProto:
    """Two lookups in one table, and the table's first dimension kept an ordinary tensor."""
    nodes = [helper.make_node("Gather", ["table", "ids"], [f"out{index}"], axis=0) for index in range(2)]
    graph = helper.make_graph(
        nodes,
        "lookup",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["n"])],
        [helper.make_tensor_value_info(f"out{index}", TensorProto.FLOAT, ["n", D]) for index in range(2)],
        [numpy_helper.from_array(table_VD.astype(np.float32), "table")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


@pytest.mark.parametrize("per_channel", [True, False])
def test_rows_come_back_within_half_a_step_of_their_scale(per_channel: bool, tmp_path: Path) -> None:
    """One dimension of large values must not cost the others their precision when each has its scale."""
    table = np.random.default_rng(0).normal(size=(V, D))
    table[:, 0] *= 100
    table[:, 1] = 0
    model = lookup_graph(table)
    quantize_embeddings(model, per_channel=per_channel)
    onnx.checker.check_model(model)
    onnx.save(model, tmp_path / "m.onnx")
    ids = np.arange(V)
    first, second = onnxruntime.InferenceSession(tmp_path / "m.onnx").run(None, {"ids": ids})
    assert np.array_equal(first, second)
    largest = np.abs(table).max(axis=0 if per_channel else None)
    assert (np.abs(first - table) <= largest / 127 / 2 + 1e-6).all()
    assert "table" not in {item.name for item in model.graph.initializer}, "the fp32 table is gone"
    assert sum(len(item.raw_data) for item in model.graph.initializer) < 0.5 * V * D * 4
