"""An ONNX graph of a sequence classifier, with dynamic batch and length."""

# B rows, T tokens, C classes

import contextlib
import io
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import nn

INPUTS = ("input_ids", "attention_mask")
# of pairs, where the model tells the two texts apart
PAIR_INPUTS = (*INPUTS, "token_type_ids")
OUTPUT = "logits"
SAMPLE_ROWS, SAMPLE_TOKENS = 2, 7


class _Logits(nn.Module):
    """Positional inputs (B, T) to class scores (B, C)."""

    def __init__(self, model: nn.Module, names: Sequence[str]) -> None:
        super().__init__()
        self.model = model
        self._names = tuple(names)

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        logits_BC: torch.Tensor = self.model(**dict(zip(self._names, inputs, strict=True))).logits
        return logits_BC


def export_graph(model: Any, path: Path, *, opset: int, inputs: Sequence[str] = INPUTS) -> None:
    """Write one self-contained ONNX file; inputs are int64 (B, T), the output is float32 (B, C).

    Args:
        model: A merged transformers classifier in fp32, on the CPU.
        path: The file to write.
        opset: ONNX operator set.
        inputs: Their names, `INPUTS` or `PAIR_INPUTS`.
    """
    ids_BT = torch.full((SAMPLE_ROWS, SAMPLE_TOKENS), 5, dtype=torch.int64)
    mask_BT = torch.ones_like(ids_BT)
    # a sample without padding would let the exporter drop the mask
    mask_BT[1, -2:] = 0
    types_BT = torch.zeros_like(ids_BT)
    types_BT[:, 3:] = 1
    samples = dict(zip(PAIR_INPUTS, (ids_BT, mask_BT, types_BT), strict=True))
    shapes = {0: "batch", 1: "sequence"}
    with _quiet():
        program = torch.onnx.export(
            _Logits(model, inputs).eval(),
            tuple(samples[name] for name in inputs),
            dynamo=True,
            input_names=list(inputs),
            output_names=[OUTPUT],
            dynamic_shapes=(tuple(shapes for _ in inputs),),
            opset_version=opset,
            verbose=False,
        )
    assert program is not None
    program.save(str(path), external_data=False)
    graph = onnx.load(path)
    # shapes that the exporter noted for weights keep the quantizers from transposing them
    del graph.graph.value_info[:]
    onnx.checker.check_model(graph)
    onnx.save(graph, path)


@contextlib.contextmanager
def _quiet() -> Any:
    """The exporter prints its progress and warns of packages that are not needed here."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
    logger.setLevel(level)
