"""A trial's evaluations by work of fixed shapes: outputs of batches, and steps of text that it writes."""

# B rows of a batch, N rows of a split

from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from slimtune.training.data.batching import Batch
from slimtune.training.engine.graphs.buckets import bucket_length
from slimtune.training.engine.graphs.graph_record import GraphRecord
from slimtune.training.engine.graphs.static_batch import batch_of, pass_inputs, shapes_of
from slimtune.training.engine.graphs.static_calls import Capturer, Outputs, StaticCalls, Tensors
from slimtune.training.engine.slots.joined_batch import joined_batch
from slimtune.training.engine.slots.segments import segment_table
from slimtune.training.hardware.resources import Resources
from slimtune.training.models.static_decoding import StaticDecoder, written_by
from slimtune.training.tasks import Task
from slimtune.training.tasks.fused_loss.pass_output import pass_output

# tokens of a batch by type of device: a graph needs no more to fill a GPU, and keeps the memory of its pass
STATIC_EVAL_TOKENS = {"cpu": 4096, "cuda": 16384}


class StaticEvaluation:
    """As `slimtune.training.evaluation.passes.Passes` says, with rows filled up to the lengths of buckets.

    Args:
        model: Whose evaluations these are.
        resources: Where.
        pad_id: What token ids are filled up with.
        capturer: Makes graphs; None takes the same work one operation at a time.
        note: Told of each record of graphs.

    Attributes:
        left: Evaluations that are to come, this one among them.
    """

    def __init__(
        self,
        model: nn.Module,
        resources: Resources,
        *,
        pad_id: int,
        capturer: Capturer | None,
        note: Callable[[GraphRecord], None],
    ) -> None:
        self.resources, self.left = resources, 1
        self._model, self._pad_id, self._capturer, self._note = model, pad_id, capturer, note
        self._calls, self._decoder = StaticCalls(None), StaticDecoder(self._write, bucket_length)
        self._places: tuple[int, ...] = ()
        self._most_calls: dict[str, int] = {"output": 0, "token": 0}
        self._num_calls: dict[str, int] = {}

    @property
    def most_tokens(self) -> int:
        """As the protocol says."""
        return STATIC_EVAL_TOKENS[self.resources.device.type]

    @property
    def host(self) -> torch.device:
        """Rows are filled up in host memory."""
        return torch.device("cpu")

    def lengths(self, lengths_N: np.ndarray) -> np.ndarray:
        """Those of their buckets."""
        return np.asarray([bucket_length(int(length)) for length in lengths_N], dtype=lengths_N.dtype)

    def begin(self, left: int) -> None:
        """Say that an evaluation begins, and how many are to come with it.

        A trial's weights move when it gets another place in a bank: graphs of the old place are forgotten.
        """
        self.left = left
        for kind, count in self._num_calls.items():
            self._most_calls[kind] = max(self._most_calls.get(kind, 0), count)
        self._num_calls = {}
        places = tuple(one.data_ptr() for one in self._model.parameters() if one.requires_grad)
        if places != self._places:
            self._places, self._calls = places, StaticCalls(self._capturer)
            self._decoder = StaticDecoder(self._write, bucket_length)
            self._note(self._calls.record)

    def output(self, task: Task, model: nn.Module, batch: Batch) -> tuple[torch.Tensor, Batch]:
        """As the protocol says."""
        table = segment_table([0], [len(batch)])
        filled = joined_batch([batch], table, pad_id=self._pad_id, device=self.resources.device, lengthen=bucket_length)
        inputs = pass_inputs(filled, ())
        (output,) = self._run("output", shapes_of(inputs), partial(_output, task, model), inputs)
        return output, filled

    def writing(self, model: Any) -> AbstractContextManager[None]:  # noqa: ARG002
        """As the protocol says."""
        return written_by(self._decoder)

    def _write(self, key: Hashable, work: Callable[[Tensors], Outputs], inputs: Tensors) -> Outputs:
        return self._run("token", key, work, inputs)

    def _run(self, kind: str, key: Hashable, work: Callable[[Tensors], Outputs], inputs: Tensors) -> Outputs:
        """The calls that are left are those of the longest evaluation so far, for each that is to come."""
        self._num_calls[kind] = count = self._num_calls.get(kind, 0) + 1
        left = max(0, self._most_calls.get(kind, 0) * self.left - count)
        return self._calls.run(kind, key, work, inputs, left=left)


def _output(task: Task, model: nn.Module, inputs: Tensors) -> Outputs:
    return (pass_output(task, model, batch_of(inputs)),)
