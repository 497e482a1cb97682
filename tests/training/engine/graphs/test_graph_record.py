"""A run says what became of the graphs of all banks that its trial was in."""

import pytest

from slimtune.training.engine.graphs.graph_record import GraphRecord, graph_tags


@pytest.mark.parametrize(
    ("records", "told", "num_captured"),
    [
        ([GraphRecord(3), GraphRecord(), GraphRecord(2)], "true", "5"),
        ([GraphRecord(0, "no memory"), GraphRecord(0, "read")], "false: no memory", "0"),
        ([GraphRecord(3), GraphRecord(0, "read"), GraphRecord(1)], "in part: read", "4"),
    ],
)
def test_what_is_told(records: list[GraphRecord], told: str, num_captured: str) -> None:
    assert graph_tags(records) == {"cuda_graphs": told, "cuda_graphs_captured": num_captured}
