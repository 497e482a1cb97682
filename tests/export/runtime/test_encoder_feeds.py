"""Batches of rows for calibration, also where a graph takes one size only."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from slimtune.export.graph_names import MODEL
from slimtune.export.runtime.encoder_session import EncodedText, EncoderSession, TextSettings

ROWS = [EncodedText([number] * number, [0] * number) for number in range(1, 6)]
SessionOf = Callable[..., EncoderSession]


@pytest.fixture
def session_of(tiny_model: Path, tmp_path: Path) -> SessionOf:
    """Of a graph that gives its ids, of so many rows and tokens; names are free sizes."""

    def make(batch: int | str = "rows", length: int | str = "tokens") -> EncoderSession:
        graph = helper.make_graph(
            [helper.make_node("Cast", ["input_ids"], ["y"], to=TensorProto.FLOAT)],
            "ids",
            [helper.make_tensor_value_info("input_ids", TensorProto.INT64, [batch, length])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, length])],
        )
        opset = helper.make_opsetid("", 20)
        onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=10), tmp_path / MODEL)
        return EncoderSession(tmp_path, tiny_model / "tokenizer.json", TextSettings(8, 0))

    return make


def firsts(feeds: list[dict[str, np.ndarray]]) -> list[list[int]]:
    return [feed["input_ids"][:, 0].tolist() for feed in feeds]


def test_the_last_batch_has_what_is_left(session_of: SessionOf) -> None:
    assert firsts(session_of().feeds(ROWS, size=2)) == [[1, 2], [3, 4], [5]]


@pytest.mark.parametrize(
    ("batch", "expected"), [(2, [[1, 2], [3, 4], [5, 5]]), (5, [[1, 2, 3, 4, 5]]), (8, [[1, 2, 3, 4, 5, 5, 5, 5]])]
)
def test_a_fixed_size_is_filled_up(session_of: SessionOf, batch: int, expected: list[list[int]]) -> None:
    """Also where it is larger than all rows together."""
    feeds = session_of(batch, 8).feeds(ROWS, size=3)
    assert firsts(feeds) == expected
    assert {feed["input_ids"].shape for feed in feeds} == {(batch, 8)}


def test_no_rows_are_no_batches(session_of: SessionOf) -> None:
    assert session_of(4, 8).feeds([], size=2) == []
