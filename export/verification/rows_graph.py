"""The fp32 graphs of a model, by what its rows are."""

from pathlib import Path
from typing import Any

from slimtune.export.graph_names import INPUTS, PAIR_INPUTS, Kind
from slimtune.export.graphs.causal_graph import export_causal
from slimtune.export.graphs.encoder_graph import export_graph, export_numbers
from slimtune.export.graphs.seq2seq_graph import export_encoder_decoder
from slimtune.export.verification.reference import ComparedRows
from slimtune.training.tasks.similarity import Similarity


def write_graphs(model: Any, folder: Path | None, rows: ComparedRows, *, opset: int) -> None:
    """Write them, or only try to.

    Args:
        model: A merged model in fp32 on the CPU; one without weights, if nothing is written.
        folder: Where to write; None tries.
        rows: What it is for.
        opset: ONNX operator set.

    Raises:
        ModelError: torch cannot write this architecture as a graph.
    """
    match rows.kind:
        case Kind.causal:
            export_causal(model, folder, opset=opset)
        case Kind.encoder_decoder:
            export_encoder_decoder(model, folder, opset=opset)
        case _:
            inputs = PAIR_INPUTS if "token_type_ids" in rows.split.encoded.columns else INPUTS
            if rows.kind is Kind.numbers:
                export_numbers(model, folder, opset=opset, inputs=inputs, task=rows.task)
            else:
                pooling = rows.task.pooling if isinstance(rows.task, Similarity) else None
                export_graph(model, folder, opset=opset, inputs=inputs, pooling=pooling)
