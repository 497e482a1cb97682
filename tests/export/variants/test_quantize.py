from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from slimtune.export.config import Calibration, Int4Algorithm, Variant
from slimtune.export.graphs.tracing import save_graph
from slimtune.export.variants.int8_embeddings import quantize_embeddings
from slimtune.export.variants.quantization_settings import QuantizationSettings
from slimtune.export.variants.quantize import BUILDERS
from slimtune.export.variants.tied_embeddings import untie

V, D = 50, 8


def lookup_graph(table_VD: np.ndarray) -> onnx.ModelProto:
    """Two lookups in one table, and the table's first dimension kept an ordinary tensor."""
    nodes = [
        helper.make_node("Gather", ["table", "ids"], [f"out{index}"], f"lookup{index}", axis=0) for index in range(2)
    ]
    graph = helper.make_graph(
        nodes,
        "lookup",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["n"])],
        [
            helper.make_tensor_value_info(f"out{index}", TensorProto.FLOAT, ["n", table_VD.shape[1]])
            for index in range(2)
        ],
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


def tied_graph(table_VD: np.ndarray) -> onnx.ModelProto:
    """Scores (n, V) of looked-up rows by the same table."""
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["rows"], axis=0),
        helper.make_node("Transpose", ["table"], ["turned"], perm=[1, 0]),
        helper.make_node("MatMul", ["rows", "turned"], ["scores"], name="head"),
    ]
    graph = helper.make_graph(
        nodes,
        "tied",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["n"])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", len(table_VD)])],
        [numpy_helper.from_array(table_VD.astype(np.float32), "table")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


@pytest.mark.parametrize("variant", [Variant.int8_blockwise, Variant.int4_blockwise])
def test_a_head_that_shares_its_weights_is_quantized_too(variant: Variant, tmp_path: Path) -> None:
    table = np.random.default_rng(0).normal(size=(512, 64))
    model, ids = tied_graph(table), np.arange(32)
    source, target = tmp_path / "source.onnx", tmp_path / "target.onnx"
    onnx.save(model, source)
    recipe = QuantizationSettings(per_channel=True, block_size=32, symmetric=False, calibration=Calibration.minmax)
    BUILDERS[variant](source, target, recipe)
    (exact,), (found,) = (onnxruntime.InferenceSession(path).run(None, {"ids": ids}) for path in (source, target))
    assert (found.argmax(1) == exact.argmax(1)).all()
    assert "MatMulNBits" in {node.op_type for node in onnx.load(target).graph.node}
    # a byte of the lookup, and a byte or half of one of the head, instead of four bytes for both
    assert target.stat().st_size < 0.62 * source.stat().st_size


@pytest.mark.parametrize("algorithm", Int4Algorithm)
@pytest.mark.filterwarnings("ignore:The given NumPy array is not writable")
def test_four_bits_are_chosen_by_the_algorithm(algorithm: Int4Algorithm, tmp_path: Path) -> None:
    """Each gives other bits of the same size; errors are about a sixteenth of a block's range."""
    model, ids = tied_graph(np.random.default_rng(0).normal(size=(512, 64))), np.arange(32)
    source, target = tmp_path / "source.onnx", tmp_path / f"{algorithm.value}.onnx"
    onnx.save(model, source)
    recipe = QuantizationSettings(True, 32, False, Calibration.minmax, int4_algorithm=algorithm)
    BUILDERS[Variant.int4_blockwise](source, target, recipe)
    (exact,), (found,) = (onnxruntime.InferenceSession(path).run(None, {"ids": ids}) for path in (source, target))
    assert 0.01 < np.abs(found - exact).std() / exact.std() < 0.15
    assert (found.argmax(1) == exact.argmax(1)).all()


def test_without_a_shared_table_nothing_changes() -> None:
    model = lookup_graph(np.ones((V, D)))
    before = model.SerializeToString()
    untie(model)
    assert model.SerializeToString() == before


def test_large_weights_lie_beside_the_graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those of its variants; the folder can be moved."""
    monkeypatch.setattr("slimtune.export.graphs.tracing.INLINE_BYTES", 10)
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    model, ids = tied_graph(np.random.default_rng(0).normal(size=(512, 64))), np.arange(32)
    (exact,) = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"ids": ids})
    save_graph(model, first / "model.onnx")
    recipe = QuantizationSettings(True, 32, False, Calibration.minmax)
    for variant in (Variant.int8_dynamic, Variant.int8_blockwise, Variant.int8_split):
        BUILDERS[variant](first / "model.onnx", first / f"{variant.value}.onnx", recipe)
    first.rename(second)
    for name in ("model", "int8_dynamic", "int8_blockwise", "int8_split"):
        assert (second / f"{name}.onnx.data").is_file()
        (found,) = onnxruntime.InferenceSession(second / f"{name}.onnx").run(None, {"ids": ids})
        assert (found.argmax(1) == exact.argmax(1)).all()
