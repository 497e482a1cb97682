"""Embedding tables in 4 bits: what is looked up, what is stored."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from slimtune.export.config import Calibration, Int4Algorithm, Variant
from slimtune.export.variants.quantization_settings import QuantizationSettings
from slimtune.export.variants.quantize import BUILDERS
from tests.export.variants.test_quantize import lookup_graph, tied_graph

RECIPE = QuantizationSettings(True, 32, False, Calibration.minmax, embedding_bits=4)


def quantized(model: onnx.ModelProto, folder: Path, recipe: QuantizationSettings) -> Path:
    source, target = folder / "source.onnx", folder / "target.onnx"
    onnx.save(model, source)
    BUILDERS[Variant.int4_blockwise](source, target, recipe)
    return target


def answers(model: onnx.ModelProto, path: Path, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    exact = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"ids": ids})[0]
    return exact, onnxruntime.InferenceSession(path).run(None, {"ids": ids})[0]


def operators(path: Path) -> set[str]:
    return {node.op_type for node in onnx.load(path).graph.node}


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("block_size", [16, 32, 64])
def test_each_row_is_within_half_a_step_of_its_blocks(symmetric: bool, block_size: int, tmp_path: Path) -> None:
    table_VD = np.random.default_rng(0).normal(size=(300, 192)).astype(np.float32)
    model, ids = lookup_graph(table_VD), np.arange(300)
    recipe = RECIPE._replace(symmetric=symmetric, block_size=block_size)
    exact, found = answers(model, quantized(model, tmp_path, recipe), ids)
    blocks = exact.reshape(300, -1, block_size)
    reach = 2 * np.abs(blocks).max(-1) if symmetric else np.maximum(blocks.max(-1), 0) - np.minimum(blocks.min(-1), 0)
    # of 16 values that a block has; the last one of a symmetric block may be cut
    steps = reach / 15
    gaps = np.abs(found - exact).reshape(blocks.shape).max(-1)
    assert (gaps <= steps * (1.1 if symmetric else 0.6)).all()
    assert gaps.max() > 0.05


def test_a_head_that_is_the_table_shares_its_bits(tmp_path: Path) -> None:
    table_VD = np.random.default_rng(0).normal(size=(512, 64))
    model, ids = tied_graph(table_VD), np.arange(32)
    path = quantized(model, tmp_path, RECIPE)
    exact, found = answers(model, path, ids)
    assert (found.argmax(1) == exact.argmax(1)).all()
    sizes = {item.name: numpy_helper.to_array(item).nbytes for item in onnx.load(path).graph.initializer}
    # half a byte a weight, and for each block of 32 a scale of four bytes and a zero point of half a byte
    assert sum(sizes.values()) == 512 * 64 / 2 + 512 * 2 * 4 + 512


@pytest.mark.filterwarnings("ignore:The given NumPy array is not writable")
def test_other_algorithms_have_bits_of_their_own(tmp_path: Path) -> None:
    """What a lookup gives does not depend on how the head's bits are chosen."""
    model, ids = tied_graph(np.random.default_rng(0).normal(size=(512, 64))), np.arange(32)
    path = quantized(model, tmp_path, RECIPE._replace(int4_algorithm=Int4Algorithm.hqq))
    exact, found = answers(model, path, ids)
    assert (found.argmax(1) == exact.argmax(1)).all()
    assert {"MatMulNBits", "GatherBlockQuantized"} <= operators(path)
    assert path.stat().st_size < 0.5 * (tmp_path / "source.onnx").stat().st_size


def test_a_width_that_blocks_do_not_divide_stays_in_8_bits(tmp_path: Path) -> None:
    model, ids = lookup_graph(np.random.default_rng(0).normal(size=(300, 40))), np.arange(300)
    path = quantized(model, tmp_path, RECIPE)
    exact, found = answers(model, path, ids)
    assert "GatherBlockQuantized" not in operators(path)
    assert 0 < np.abs(found - exact).max() < 0.05


def test_tables_that_are_kept_are_exact(tmp_path: Path) -> None:
    model, ids = lookup_graph(np.random.default_rng(0).normal(size=(300, 64))), np.arange(300)
    kept = frozenset(node.name for node in model.graph.node if node.op_type == "Gather")
    exact, found = answers(model, quantized(model, tmp_path, RECIPE._replace(kept=kept)), ids)
    assert (found == exact).all()
