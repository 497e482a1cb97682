"""How a model is run over the rows of an evaluation."""

# B rows of a batch, N rows of a split

from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import nn

from slimtune.training.data.batching import Batch
from slimtune.training.hardware.resources import Resources
from slimtune.training.tasks import Task
from slimtune.training.tasks.fused_loss.pass_output import pass_output

# tokens of a batch by type of device: larger ones only take memory
EVAL_TOKENS = {"cpu": 4096, "cuda": 131072}
# what a batch costs besides its tokens, in tokens: 26 to 140 were measured for MiniLM, on one and two threads, in fp32
# and bf16; a GPU fills up more than that in the time of a call, and a graph is made for each shape
CALL_TOKENS = {"cpu": 64, "cuda": 131072}


class Passes(Protocol):
    """What an evaluation takes its batches by.

    Attributes:
        resources: Where, and in what precision.
        most_tokens: Of a batch.
        host: Where batches are put together.
    """

    @property
    def resources(self) -> Resources: ...

    @property
    def most_tokens(self) -> int: ...

    @property
    def host(self) -> torch.device: ...

    def lengths(self, lengths_N: np.ndarray) -> np.ndarray:
        """Of the rows, as they will be filled up."""
        ...

    def output(self, task: Task, model: nn.Module, batch: Batch) -> tuple[torch.Tensor, Batch]:
        """As `pass_output` gives it, and the batch as the model had it, with the same rows."""
        ...

    def writing(self, model: Any) -> AbstractContextManager[None]:
        """Around what writes text with the model."""
        ...


class EagerPasses(NamedTuple):
    """One operation at a time, in whatever shape the rows have."""

    resources: Resources

    @property
    def most_tokens(self) -> int:
        """As the protocol says."""
        return EVAL_TOKENS[self.resources.device.type]

    @property
    def host(self) -> torch.device:
        """The device itself."""
        return self.resources.device

    def lengths(self, lengths_N: np.ndarray) -> np.ndarray:
        """Their own."""
        return lengths_N

    def output(self, task: Task, model: nn.Module, batch: Batch) -> tuple[torch.Tensor, Batch]:
        """As the protocol says."""
        return pass_output(task, model, batch), batch

    def writing(self, model: Any) -> AbstractContextManager[None]:  # noqa: ARG002
        """Nothing."""
        return nullcontext()
