"""What everything else asks of a task: reading, training, scores, answers, export."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import nn

from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.batching import Batch, EncodedSplit
from slimtune.training.data.encoding import Encoded
from slimtune.training.data.examples import Example
from slimtune.training.data.readers.row import Row
from slimtune.training.metrics import Measure, Tally
from slimtune.training.tasks.loss import LossSum


class Task(Protocol):
    """One kind of task, with its labels. `slimtune.training.tasks.task_of` makes it.

    Attributes:
        labels: Label names in the order of their ids; empty where there are none.
        auto_class: transformers' class for its models.
        peft_task_type: peft's name of it.
        couples_rows: Whether the loss of a row depends on the rows beside it: such trials share no passes.
        has_near_leaks: Whether a training row that is nearly a held-out row gives its answer away.
        export_kind: How its models are exported and run, a name of `export.graph_names.Kind`; None if they are not.
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
    def has_near_leaks(self) -> bool: ...

    @property
    def export_kind(self) -> str | None: ...

    @staticmethod
    def parse(row: Row, where: str, config: TrialConfig) -> Example | None:
        """A row as the task sees it; None for one without text. `where` is what an error calls it.

        Raises:
            DataError: It lacks a column or a value.
        """
        ...

    @staticmethod
    def stratify_by(examples: Sequence[Example]) -> Sequence[str] | None:
        """A class for each row, whose distribution a split keeps; None where there is none."""
        ...

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

    def split(self, examples: Sequence[Example], encoded: Encoded, *, name: str) -> EncodedSplit:
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

    def tally(self, logits: torch.Tensor, batch: Batch, split: EncodedSplit, rows: Sequence[int]) -> Tally:
        """The metrics' state of one batch, whose rows have these numbers in the split."""
        ...

    def generated(self, model: Any, split: EncodedSplit, tokenizer: Any, *, device: torch.device) -> Tally | None:
        """The metrics' state of text that the model writes; None for tasks that write none."""
        ...

    def baselines(self, train: EncodedSplit, held_out: EncodedSplit, tokenizer: Any) -> Mapping[str, Tally]:
        """What models that need no training on a device answer for the held-out rows, by name."""
        ...

    def notes(self, examples: Sequence[Example]) -> Sequence[str]:
        """What a person should know about these rows before training on them."""
        ...

    def with_generated_rows(self, num_rows: int) -> "Task":
        """The task, whose models write an answer for so many rows of an evaluation; itself if they write none."""
        ...

    def predictions(self, tally: Tally, generated: Tally | None, examples: Sequence[Example]) -> list[Any]:
        """An answer for each example, as JSON can hold it; empty where there are none, as for next tokens.

        Args:
            tally: The metrics' state of the rows.
            generated: That of text which the model wrote; None if it wrote none.
            examples: What the rows were made of.
        """
        ...

    def details(self, tally: Tally) -> Mapping[str, Any]:
        """More than the scores tell, as JSON can hold it; empty where there is nothing.

        `per_label` has a record for each label, with `label`, `support` (its rows) and scores.
        """
        ...

    def export_settings(self, tokenizer: Any) -> Mapping[str, Any]:
        """Entries of a bundle's manifest that its answers depend on, beside the kind and the labels."""
        ...
