"""A task of one's own: a number for a text."""

# B rows, N rows of a split

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import mse_loss
from transformers import AutoModelForSequenceClassification

from slimtune.training.config.data import DataConfig
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.batching import Batch, Split, Targets
from slimtune.training.data.encoding import Encoded, Ragged, tokenized
from slimtune.training.data.examples import Example, needed, text_of
from slimtune.training.errors import DataError
from slimtune.training.metrics import Measure, Tally, measures_of
from slimtune.training.tasks.loss import LossSum, at_least_float32


@dataclass(frozen=True)
class Regression:
    """The loss is the squared error over `task.options.scale`, so that labels of any size train alike."""

    max_length: int
    metrics: tuple[str, ...]
    scale: float

    labels = ()
    auto_class = AutoModelForSequenceClassification
    peft_task_type = "SEQ_CLS"
    couples_rows = False
    headlines = ("mean_absolute_error",)

    @staticmethod
    def parse(row: Mapping[str, Any], where: str, data: DataConfig) -> Example | None:
        """A text and a number; None for a row without text."""
        text = text_of(dict(row), data.text_column, where, "text_column")
        label = needed(dict(row), data.label_column, where, "label_column")
        try:
            float(label)
        except ValueError:
            raise DataError(f"{where}: column '{data.label_column}' is '{label}'; use a number") from None
        return Example(text, label) if text else None

    @classmethod
    def make(cls, config: TrialConfig, train: Sequence[Example], labels: tuple[str, ...] | None) -> "Regression":
        """The task of a config; a checkpoint has no labels to give."""
        task: Any = config.task
        return cls(config.data.max_length, tuple(task.metrics), float(task.options.get("scale", 1.0)))

    @property
    def measures(self) -> Sequence[Measure]:
        """The loss and `task.metrics`."""
        return measures_of(self.metrics)

    def model_options(self) -> Mapping[str, object]:
        """A head of one number."""
        return {"num_labels": 1}

    def settings(self) -> Mapping[str, Any]:
        """What the encoding depends on."""
        return {"encoding": "text", "max_length": self.max_length}

    def encode(self, examples: Sequence[Example], tokenizer: Any) -> Encoded:
        """Texts with special tokens."""
        columns, num_cut = tokenized([one.text for one in examples], tokenizer, max_length=self.max_length)
        return Encoded({name: Ragged.of(rows) for name, rows in columns.items()}, num_cut)

    def split(self, examples: Sequence[Example], encoded: Encoded, *, name: str) -> Split:
        """Numbers as labels, each row weighing one."""
        numbers_N = np.array([float(example.label) for example in examples], dtype=np.float32)
        return Split(encoded, Targets(numbers_N, np.ones(len(examples))), examples)

    def logits(self, model: nn.Module, batch: Batch) -> torch.Tensor:
        """Predicted numbers (B)."""
        return at_least_float32(model(**batch.inputs).logits)[:, 0] * self.scale

    def loss(self, logits: torch.Tensor, batch: Batch, *, label_smoothing: float) -> LossSum:
        """Squared error, summed over the rows."""
        return LossSum(mse_loss(logits / self.scale, batch.labels / self.scale, reduction="sum"), len(batch))

    def tally(self, logits: torch.Tensor, batch: Batch, split: Split, rows: Sequence[int]) -> Tally:
        """Errors, predictions and references of a batch."""
        errors = mse_loss(logits / self.scale, batch.labels / self.scale, reduction="none")
        return Tally.of(
            row=rows,
            nats=errors.tolist(),
            weight=[1.0] * len(batch),
            prediction=logits.tolist(),
            reference=batch.labels.tolist(),
        )

    def generated(self, model: Any, split: Split, tokenizer: Any, *, device: torch.device) -> Tally | None:
        """None: nothing is written."""
        return None

    def baselines(self, train: Split, held_out: Split, tokenizer: Any) -> Mapping[str, Tally]:
        """Always the mean."""
        mean, references = (split.targets.labels_N for split in (train, held_out))
        return {"mean": Tally.of(prediction=[float(np.mean(mean))] * len(references), reference=references.tolist())}


def mean_absolute_error(predictions: Sequence[float], references: Sequence[float], rows: Any) -> float:
    """A metric of one's own."""
    return float(np.mean(np.abs(np.subtract(predictions, references))))
