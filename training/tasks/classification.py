"""Sequence classification: one label a text."""

# B rows, C classes

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from transformers import AutoModelForSequenceClassification

from training.batches import Batch
from training.errors import DataError
from training.metrics import Tally
from training.split import Example


class LossSum(NamedTuple):
    """Sum of the rows' losses in nats (a scalar with gradient) and the number of rows."""

    nats: torch.Tensor
    rows: int


@dataclass(frozen=True, slots=True)
class Classification:
    """Maps texts to one of C labels.

    Attributes:
        labels: Label names in the order of their ids.
    """

    labels: tuple[str, ...]

    auto_class = AutoModelForSequenceClassification
    peft_task_type = "SEQ_CLS"

    def label_ids(self, examples: Sequence[Example], *, split: str) -> np.ndarray:
        """Label ids (int64) of the examples.

        Raises:
            DataError: A label does not occur in training.
        """
        ids = {label: index for index, label in enumerate(self.labels)}
        unknown = sorted({example.label for example in examples} - ids.keys())
        if unknown:
            raise DataError(
                f"the {split} rows have the label '{unknown[0]}', which no training row has; "
                f"known: {', '.join(self.labels)}"
            )
        return np.array([ids[example.label] for example in examples], dtype=np.int64)

    def model_options(self) -> dict[str, object]:
        """Keyword arguments of `from_pretrained` that this task needs."""
        id2label = dict(enumerate(self.labels))
        return {
            "num_labels": len(self.labels),
            "id2label": id2label,
            "label2id": {label: index for index, label in id2label.items()},
        }

    def logits(self, model: nn.Module, batch: Batch) -> torch.Tensor:
        """Class scores (B, C) in float32 at least."""
        output = model(input_ids=batch.input_ids_BT, attention_mask=batch.attention_mask_BT)
        logits_BC: torch.Tensor = output.logits
        return logits_BC.to(torch.promote_types(logits_BC.dtype, torch.float32))

    def loss(self, logits_BC: torch.Tensor, batch: Batch, *, label_smoothing: float) -> LossSum:
        """Cross entropy summed over the rows."""
        nats = cross_entropy(logits_BC, batch.labels_B, label_smoothing=label_smoothing, reduction="sum")
        return LossSum(nats, len(batch))

    def tally(self, logits_BC: torch.Tensor, batch: Batch) -> Tally:
        """The metrics' state of one batch."""
        loss = self.loss(logits_BC, batch, label_smoothing=0.0)
        return Tally.of(logits_BC.argmax(-1).tolist(), batch.labels_B.tolist(), float(loss.nats))


def classification_of(names: Sequence[str] | None, train: Sequence[Example]) -> Classification:
    """The task with the given label names, or with those of the training rows, sorted.

    Raises:
        DataError: There are fewer than two labels, or a training label is not among `names`.
    """
    found = sorted({example.label for example in train})
    labels = tuple(names) if names else tuple(found)
    if len(labels) < 2:
        raise DataError(f"the training rows have one label only ('{labels[0]}'); a classifier needs at least two")
    missing = sorted(set(found) - set(labels))
    if missing:
        raise DataError(f"the training rows have the label '{missing[0]}', which task.labels lacks; add it there")
    return Classification(labels)
