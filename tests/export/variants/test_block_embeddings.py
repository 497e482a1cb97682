"""Embeddings in int8 with a scale for each few dimensions of a token."""

import numpy as np
import onnx
import onnxruntime
import pytest

from slimtune.export.variants.block_embeddings import block_embeddings, block_table
from tests.export.variants.test_quantize import lookup_graph

V, D, BLOCK = 50, 64, 32


def drawn() -> np.ndarray:
    table = np.random.default_rng(0).normal(size=(V, D)).astype(np.float32)
    # as in an encoder: a few dimensions are many times the others, in all tokens, and one is nothing
    table[:, 0] *= 30
    table[:, 1] = 0
    return table


def test_each_value_is_within_half_a_step_of_its_block() -> None:
    table = drawn()
    found = block_table(table, BLOCK)
    whole = (found.bytes_VD.astype(np.float32) - 128) * np.repeat(found.scale_VB.astype(np.float32), BLOCK, 1)
    whole *= found.scale_D
    step = np.repeat(found.scale_VB.astype(np.float32), BLOCK, 1) * found.scale_D
    # the scales themselves are rounded to fp16
    assert (np.abs(whole - table) <= 0.5 * step * 1.2 + 1e-6).all()
    assert (whole[:, 1] == 0).all()


def test_onnxruntime_reads_the_same_rows() -> None:
    """Both lookups of the table, and nothing of fp32 is left."""
    table = drawn()
    model = lookup_graph(table)
    block_embeddings(model, block_size=BLOCK)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    first, second = session.run(None, {"ids": np.arange(V)})
    assert np.array_equal(first, second)
    assert np.sqrt(np.mean((first - table) ** 2)) < 0.012 * np.sqrt(np.mean(table**2))
    assert "table" not in {item.name for item in model.graph.initializer}


@pytest.mark.parametrize(("block", "kept"), [(48, ()), (BLOCK, ("lookup0", "lookup1"))])
def test_a_width_that_the_block_does_not_divide_and_what_is_kept_stay(block: int, kept: tuple[str, ...]) -> None:
    model = lookup_graph(drawn())
    before = model.SerializeToString()
    block_embeddings(model, block_size=block, kept=kept)
    assert model.SerializeToString() == before
    assert isinstance(model, onnx.ModelProto)
