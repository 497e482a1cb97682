"""What the trial engine asks of a task."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import nn

from slimtune.training.data.batching import Batch, Split
from slimtune.training.data.encoding import Encoded
from slimtune.training.data.examples import Example
from slimtune.training.metrics import Measure, Tally
from slimtune.training.tasks.loss import LossSum


class Task(Protocol):
    """One kind of task, with its labels. `slimtune.training.tasks.task_of` makes it.

    Attributes:
        labels: Label names in the order of their ids; empty where there are none.
        auto_class: transformers' class for its models.
        peft_task_type: peft's name of it.
        couples_rows: Whether the loss of a row depends on the rows beside it: such trials share no passes.
    """

    @property
    def labels(self) -> tuple[str, ...]: ...

    @property
    def auto_class(self) -> Any: ...

    @property
    def peft_task_type(self) -> str: ...

    @property
    def couples_rows(self) -> bool: ...

    @property
    def measures(self) -> Sequence[Measure]:
        """The scores, the loss among them."""
        ...

    @property
    def headlines(self) -> Sequence[str]:
        """The scores that a report of the winner begins with."""
        ...

    def model_options(self) -> Mapping[str, object]:
        """Keyword arguments of `from_pretrained` that this task needs."""
        ...

    def settings(self) -> Mapping[str, Any]:
        """What the encoding depends on beside rows and tokenizer."""
        ...

    def encode(self, examples: Sequence[Example], tokenizer: Any) -> Encoded:
        """Rows as the model takes them; an example may become several, and several may share one."""
        ...

    def split(self, examples: Sequence[Example], encoded: Encoded, *, name: str) -> Split:
        """The rows with their labels.

        Raises:
            DataError: A label does not occur in training.
        """
        ...

    def logits(self, model: nn.Module, batch: Batch) -> torch.Tensor:
        """The model's output in float32 at least, rows first."""
        ...

    def loss(self, logits: torch.Tensor, batch: Batch, *, label_smoothing: float) -> LossSum:
        """The training loss, summed over the rows by their weights."""
        ...

    def tally(self, logits: torch.Tensor, batch: Batch, split: Split, rows: Sequence[int]) -> Tally:
        """The metrics' state of one batch, whose rows have these numbers in the split."""
        ...

    def generated(self, model: Any, split: Split, tokenizer: Any, *, device: torch.device) -> Tally | None:
        """The metrics' state of text that the model writes; None for tasks that write none."""
        ...

    def baselines(self, train: Split, held_out: Split, tokenizer: Any) -> Mapping[str, Tally]:
        """What models that need no training on a device answer for the held-out rows, by name."""
        ...
