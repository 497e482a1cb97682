"""A whole task of one's own: a number for a text, or for two."""

# B rows, N rows of a split

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import mse_loss
from transformers import AutoModelForSequenceClassification

from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.batching import Batch, EncodedSplit, Targets
from slimtune.training.data.encoding import Encoded, Ragged
from slimtune.training.data.examples import Example, number_of, texts_of
from slimtune.training.data.tokenizing.batches import tokenized
from slimtune.training.metrics import Measure, Tally, measures_of
from slimtune.training.tasks.defaults import TaskDefaults
from slimtune.training.tasks.loss import LossSum, at_least_float32

NUM_PARTS = 3


@dataclass(frozen=True)
class Regression(TaskDefaults):
    """The loss is the squared error over `task.options.scale`, so that labels of any size train alike."""

    max_length: int
    metrics: tuple[str, ...]
    scale: float

    labels = ()
    auto_class = AutoModelForSequenceClassification
    peft_task_type = "SEQ_CLS"
    # the graph is `logits`: what it gives is the answer
    export_kind = "numbers"
    headlines = ("mean_absolute_error",)

    @staticmethod
    def parse(row: Mapping[str, Any], where: str, config: TrialConfig) -> Example | None:
        """A text and a number; None for a row without text."""
        text, pair = texts_of(dict(row), where, config.data)
        label = number_of(dict(row), config.data.label_column, where, example="3.5")
        return Example(text, label, pair) if text else None

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
        pairs = [one.pair for one in examples] if any(one.pair for one in examples) else None
        texts = [one.text for one in examples]
        columns, num_cut = tokenized(texts, tokenizer, max_length=self.max_length, pairs=pairs)
        return Encoded({name: Ragged.of(rows) for name, rows in columns.items()}, num_cut)

    def split(self, examples: Sequence[Example], encoded: Encoded, *, name: str) -> EncodedSplit:
        """Numbers as labels, each row weighing one."""
        numbers_N = np.array([float(example.label) for example in examples], dtype=np.float32)
        return EncodedSplit(encoded, Targets(numbers_N, np.ones(len(examples))), examples)

    def logits(self, model: nn.Module, batch: Batch) -> torch.Tensor:
        """Predicted numbers (B)."""
        return at_least_float32(model(**batch.inputs).logits)[:, 0] * self.scale

    def loss(self, logits: torch.Tensor, batch: Batch, *, label_smoothing: float) -> LossSum:
        """Squared error, summed over the rows."""
        return LossSum(mse_loss(logits / self.scale, batch.labels / self.scale, reduction="sum"), len(batch))

    def tally(self, logits: torch.Tensor, batch: Batch, split: EncodedSplit, rows: Sequence[int]) -> Tally:
        """Errors, predictions and references of a batch."""
        errors = mse_loss(logits / self.scale, batch.labels / self.scale, reduction="none")
        return Tally.of(
            row=rows,
            nats=errors.tolist(),
            weight=[1.0] * len(batch),
            prediction=logits.tolist(),
            reference=batch.labels.tolist(),
        )

    def baselines(self, train: EncodedSplit, held_out: EncodedSplit, tokenizer: Any) -> Mapping[str, Tally]:
        """Always the mean."""
        mean, references = (split.targets.labels_N for split in (train, held_out))
        return {"mean": Tally.of(prediction=[float(np.mean(mean))] * len(references), reference=references.tolist())}

    def details(self, tally: Tally) -> Mapping[str, Any]:
        """The mean absolute error of low, middling and high numbers: equal parts of the rows by their reference."""
        references, predictions = (np.array(tally.columns[name]) for name in ("reference", "prediction"))
        parts = np.array_split(np.argsort(references, kind="stable"), min(NUM_PARTS, len(references)))
        return {"per_label": [_part(references[part], predictions[part]) for part in parts]}


def _part(references: np.ndarray, predictions: np.ndarray) -> dict[str, Any]:
    return {
        "label": f"{references.min():g} to {references.max():g}",
        "mean_absolute_error": mean_absolute_error(predictions, references, None),
        "support": len(references),
    }


def mean_absolute_error(predictions: Any, references: Any, rows: Any) -> float:
    """A metric of one's own."""
    return float(np.mean(np.abs(np.subtract(predictions, references))))
