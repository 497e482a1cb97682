"""Embedding tables with a scale for each block of a token."""

import numpy as np
import onnx
import onnxruntime

from slimtune.export.variants.block_embeddings import block_embeddings, block_table
from tests.export.variants.test_quantize import lookup_graph

V, D, BLOCK = 50, 64, 16


def uneven() -> np.ndarray:
    table: np.ndarray = np.random.default_rng(0).normal(size=(V, D)).astype(np.float32)
    table[:, 0] *= 100
    table[:, 1] = 0
    table[7] *= 30
    return table


def test_lookups_give_the_rows_within_half_a_step_of_their_block() -> None:
    """Neither a large dimension nor a large token costs the others their precision."""
    table = uneven()
    model = lookup_graph(table)
    block_embeddings(model, block_size=BLOCK)
    onnx.checker.check_model(model)
    ids = np.arange(V)
    first, second = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"ids": ids})
    assert np.array_equal(first, second)
    parts = block_table(table, BLOCK)
    steps = np.repeat(parts.scale_VB.astype(np.float32), BLOCK, axis=1) * parts.scale_D
    # a scale in fp16 may be a little too small for the largest value of its block
    assert (np.abs(first - table) <= 0.57 * steps + 1e-6).all()
    assert "table" not in {item.name for item in model.graph.initializer}


def test_a_width_that_the_block_does_not_divide_stays() -> None:
    model = lookup_graph(uneven()[:, :60])
    before = model.SerializeToString()
    block_embeddings(model, block_size=BLOCK)
    assert model.SerializeToString() == before
