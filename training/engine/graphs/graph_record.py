"""What became of CUDA graphs: kept by whoever had them, and told on a trial's run."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(slots=True)
class GraphRecord:
    """Of one bank's passes, or of those of a trial's own model; it outlives the graphs.

    Attributes:
        num_captured: Graphs that there were.
        fallback: Why there were no more after a capture failed; None while none has.
    """

    num_captured: int = 0
    fallback: str | None = None


def graph_tags(records: Sequence[GraphRecord]) -> dict[str, str]:
    """For the run of a trial that went through these, one after the other, at its end."""
    num_captured = sum(record.num_captured for record in records)
    reason = next((record.fallback for record in records if record.fallback is not None), None)
    told = "true" if reason is None else f"{'in part' if num_captured else 'false'}: {reason}"
    return {"cuda_graphs": told, "cuda_graphs_captured": str(num_captured)}
