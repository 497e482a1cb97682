"""Sequence classification: one label a text or a pair of texts, or any number of labels."""

# B rows, C classes, N rows of a split

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy
from transformers import AutoModelForSequenceClassification

from slimtune.training.config.task import ClassificationTask
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.batching import Batch, EncodedSplit, Targets
from slimtune.training.data.encoding import Encoded, Ragged
from slimtune.training.data.examples import Example
from slimtune.training.data.label_cells import label_name
from slimtune.training.data.labelled_rows import are_ids, labelled, many_labelled
from slimtune.training.data.readers.row import Row
from slimtune.training.data.tokenizing.batches import tokenized
from slimtune.training.errors import ConfigError, DataError
from slimtune.training.listed_names import with_commas
from slimtune.training.metrics import Measure, Tally, measures_of
from slimtune.training.metrics.confusion import confusion_matrix, per_class
from slimtune.training.metrics.given.class_number import class_guard
from slimtune.training.tasks.baselines import bag_of_words, bag_of_words_sets, majority, scored_rows
from slimtune.training.tasks.defaults import TaskDefaults
from slimtune.training.tasks.label_names import label_options, numbers_misread, the_names, unquoted_labels
from slimtune.training.tasks.loss import LossSum, at_least_float32, own_loss
from slimtune.training.tracking.display import BAG_OF_WORDS, MAJORITY

BALANCED = "balanced"


@lru_cache(maxsize=8)
def _weights_on(weights: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """What a row of each class counts (C), sent to the device once: a captured step sends nothing."""
    with torch.inference_mode(mode=False):
        return torch.tensor(weights, dtype=dtype, device=device)


@dataclass(frozen=True)
class Classification(TaskDefaults):
    """Maps texts to one of C labels, or to some of them.

    Attributes:
        labels: Label names in the order of their ids.
        max_length: Longest input in tokens.
        metrics: Names of what is measured.
        multi_label: Whether a text has any number of labels.
        weights: What a row of each class counts in the loss; empty counts all alike.
        loss_settings: A loss of the user's own.
    """

    labels: tuple[str, ...]
    max_length: int = 128
    metrics: tuple[str, ...] = ("accuracy", "f1")
    multi_label: bool = False
    weights: tuple[float, ...] = ()
    loss_settings: Mapping[str, Any] | None = field(default=None, hash=False)

    auto_class = AutoModelForSequenceClassification
    peft_task_type = "SEQ_CLS"
    export_kind = "labels"

    @staticmethod
    def parse(row: Row, where: str, config: TrialConfig) -> Example | None:
        """A text or a pair with its label, or with its labels."""
        task = config.task if isinstance(config.task, ClassificationTask) else None
        read = many_labelled if task is not None and task.multi_label else labelled
        return read(row, where, config.data, task.labels if task is not None else None)

    @staticmethod
    def stratify_by(examples: Sequence[Example]) -> Sequence[str] | None:
        """The labels, if each row has one."""
        return None if any(example.labels for example in examples) else [example.label for example in examples]

    @property
    def headlines(self) -> Sequence[str]:
        """As the protocol says."""
        return ("subset_accuracy", "f1_macro") if self.multi_label else ("accuracy", "f1_macro")

    @cached_property
    def measures(self) -> Sequence[Measure]:
        """As the protocol says."""
        return measures_of(self.metrics, class_guard(self.labels))

    @cached_property
    def _own_loss(self) -> Any:
        return own_loss(self.loss_settings)

    def model_options(self) -> Mapping[str, object]:
        """As the protocol says."""
        # said in both cases: a config may bring another one along, by which others would read the checkpoint
        kind = "multi_label_classification" if self.multi_label else "single_label_classification"
        return {**label_options(self.labels), "problem_type": kind}

    def settings(self) -> Mapping[str, Any]:
        """As the protocol says."""
        return {"encoding": "text", "max_length": self.max_length}

    def encode(self, examples: Sequence[Example], tokenizer: Any) -> Encoded:
        """As the protocol says."""
        texts = [example.text for example in examples]
        pairs = [example.pair for example in examples] if any(example.pair for example in examples) else None
        columns, num_cut = tokenized(texts, tokenizer, max_length=self.max_length, pairs=pairs)
        return Encoded({name: Ragged.of(rows) for name, rows in columns.items()}, num_cut)

    def split(self, examples: Sequence[Example], encoded: Encoded, *, name: str) -> EncodedSplit:
        """As the protocol says."""
        labels_N = self.label_ids(examples, split=name)
        weights_N = np.asarray(self.weights)[labels_N] if self.weights else np.ones(len(examples))
        return EncodedSplit(encoded, Targets(labels_N, weights_N), examples)

    def label_ids(self, examples: Sequence[Example], *, split: str) -> np.ndarray:
        """Label ids (N, int64), or with several labels ones and zeros (N, C, float32).

        Raises:
            DataError: A label does not occur in training.
        """
        ids = self._ids
        named = [example.labels if self.multi_label else (example.label,) for example in examples]
        unknown = sorted({label for labels in named for label in labels} - ids.keys())
        if unknown:
            known = with_commas(self.labels)
            is_id = not self.multi_label and are_ids({label for (label,) in named}, len(named))
            hint = "; nearly every row has a label of its own, as an ID: look at data.label_column" if is_id else ""
            raise DataError(
                f"the {split} rows have {the_names('label', unknown, known=self.labels)}, which no "
                f"training row has; known: {known}; correct it, or name all labels in task.labels{hint}"
            )
        if not self.multi_label:
            return np.array([ids[label] for (label,) in named], dtype=np.int64)
        ones_NC = np.zeros((len(named), len(ids)), dtype=np.float32)
        for row, labels in enumerate(named):
            ones_NC[row, [ids[label] for label in labels]] = 1.0
        return ones_NC

    @cached_property
    def _ids(self) -> Mapping[str, int]:
        """By the name that rows have for a class; a checkpoint from elsewhere may spell it `True` or `1.0`."""
        return {label_name(label): index for index, label in enumerate(self.labels)}

    def logits(self, model: nn.Module, batch: Batch) -> torch.Tensor:
        """Class scores (B, C) in float32 at least."""
        return at_least_float32(model(**batch.inputs).logits)

    def loss(self, logits: torch.Tensor, batch: Batch, *, label_smoothing: float) -> LossSum:
        """Cross entropy, or with several labels the mean binary cross entropy of the classes."""
        if self._own_loss is not None:
            return LossSum(self._own_loss(logits, batch.labels) * len(batch), len(batch))
        nats_B = self._nats(logits, batch.labels, label_smoothing=label_smoothing)
        if self.weights:
            nats_B = nats_B * _weights_on(self.weights, nats_B.dtype, nats_B.device)[batch.labels]
        return LossSum(nats_B.sum(), len(batch))

    def _nats(self, logits_BC: torch.Tensor, labels: torch.Tensor, *, label_smoothing: float = 0.0) -> torch.Tensor:
        if self.multi_label:
            return binary_cross_entropy_with_logits(logits_BC, labels.to(logits_BC.dtype), reduction="none").mean(-1)
        return cross_entropy(logits_BC, labels, label_smoothing=label_smoothing, reduction="none")

    def tally(self, logits: torch.Tensor, batch: Batch, split: EncodedSplit, rows: Sequence[int]) -> Tally:
        """As the protocol says."""
        if self.multi_label:
            predictions, references = (_ones(values) for values in (logits > 0, batch.labels > 0))
        else:
            predictions, references = logits.argmax(-1).tolist(), batch.labels.tolist()
        return Tally.of(
            row=rows,
            nats=self._nats(logits, batch.labels).tolist(),
            # the weights of classes are for training: scores are of the rows as they are
            weight=[1.0] * len(batch),
            prediction=predictions,
            reference=references,
            data=[split.examples[row].row for row in rows] if split.examples else [{}] * len(rows),
        )

    def baselines(self, train: EncodedSplit, held_out: EncodedSplit, tokenizer: Any) -> Mapping[str, Tally]:
        """The largest class, and a bag of words."""
        texts, examples = [one.both for one in train.examples], list(held_out.examples)
        asked = [examples[row] for row in scored_rows(len(examples))]
        others = [one.both for one in asked]
        if self.multi_label:
            found = bag_of_words_sets(texts, [one.labels for one in train.examples], others)
            return {BAG_OF_WORDS: self._answered(found, [one.labels for one in asked], asked)}
        labels = [one.label for one in train.examples]
        answers = {
            MAJORITY: [majority(labels)] * len(others),
            BAG_OF_WORDS: bag_of_words(texts, labels, others),
        }
        expected = [one.label for one in asked]
        return {name: self._answered(found, expected, asked) for name, found in answers.items()}

    def _answered(self, found: Sequence[Any], expected: Sequence[Any], asked: Sequence[Example]) -> Tally:
        ids = self._ids
        predictions, references = (
            [tuple(sorted(ids[one] for one in row)) if self.multi_label else ids[row] for row in rows]
            for rows in (found, expected)
        )
        return Tally.of(prediction=predictions, reference=references, data=[one.row for one in asked])

    def predictions(self, tally: Tally, generated: Tally | None, examples: Sequence[Example]) -> list[Any]:
        """A label, or a list of them."""
        found = tally.columns["prediction"]
        if self.multi_label:
            return [[self.labels[one] for one in row] for row in found]
        return [self.labels[one] for one in found]

    def details(self, tally: Tally) -> Mapping[str, Any]:
        """Of one label a row `per_label` (precision, recall, F1 and rows) and `confusion`.

        Rows of `confusion` are references, columns predictions, in the order of `labels`.
        """
        if self.multi_label:
            return {}
        predictions, references = tally.columns["prediction"], tally.columns["reference"]
        return {
            "labels": list(self.labels),
            "per_label": [one._asdict() for one in per_class(predictions, references, self.labels)],
            "confusion": confusion_matrix(predictions, references, len(self.labels)),
        }

    def export_settings(self, tokenizer: Any) -> Mapping[str, Any]:
        """As the protocol says."""
        return {"multi_label": self.multi_label}


def _ones(values_BC: torch.Tensor) -> list[tuple[int, ...]]:
    return [tuple(torch.nonzero(row).flatten().tolist()) for row in values_BC.cpu()]


def labels_in(example: Example) -> Sequence[str]:
    """Its label, or its labels."""
    return example.labels or ((example.label,) if example.label else ())


def make(config: TrialConfig, train: Sequence[Example], labels: tuple[str, ...] | None) -> Classification:
    """The task of a config, with the labels of a checkpoint, those that the config gives, or those of the rows.

    Raises:
        DataError: There are fewer than two labels, or a training label is not among those given.
        ConfigError: The config names a label twice.
    """
    task: Any = config.task
    named = [example.labels if task.multi_label else (example.label,) for example in train]
    found = sorted({label for labels in named for label in labels})
    labels = labels or (_given(task.labels, found) if task.labels else tuple(found))
    if len(labels) < 2:
        raise DataError(f"the training rows have one label only ('{''.join(labels)}'); a classifier needs at least two")
    missing = sorted(set(found) - set(map(label_name, labels)))
    if missing:
        if unquoted := unquoted_labels("task.labels", task.labels or (), missing):
            raise DataError(unquoted)
        raise DataError(
            f"the training rows have {the_names('label', missing, known=labels)}, which task.labels lacks; add it there"
        )
    if task.multi_label and found == ["0", "1"] and all(len(one) == len(found) for one in named):
        raise DataError(
            f"all training rows have the labels 0 and 1 (column '{config.data.label_column}'); if they are a one or "
            "zero for each class, name the classes in their order, e.g. 'task.labels=[first,second]'"
        )
    return Classification(
        labels=labels,
        max_length=config.data.max_length,
        metrics=tuple(task.metrics),
        multi_label=task.multi_label,
        weights=_weights(task.class_weights, labels, [label for labels in named for label in labels]),
        loss_settings=task.loss,
    )


def _given(labels: Sequence[str], found: Collection[str]) -> tuple[str, ...]:
    """Names as rows have them."""
    names = tuple(map(label_name, labels))
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        unquoted = unquoted_labels("task.labels", labels, [label for label in found if label not in names])
        same = f"task.labels names '{twice[0]}' twice (1 and 1.0 are one label); name each once"
        raise ConfigError([unquoted or same])
    return names


def _weights(given: Any, labels: Sequence[str], found: Sequence[str]) -> tuple[float, ...]:
    """A weight for each label; `balanced` is scikit-learn's: rows / (classes x rows of the class)."""
    if given is None:
        return ()
    if given == BALANCED:
        counts = Counter(found)
        return tuple(len(found) / (len(labels) * counts[label]) if counts[label] else 1.0 for label in labels)
    if not isinstance(given, Mapping) or not all(
        isinstance(weight, int | float) and weight > 0 for weight in given.values()
    ):
        raise ConfigError([f"task.class_weights is {given!r}; use balanced, or a weight above 0 by label"])
    given = {label_name(str(label)): weight for label, weight in given.items()}
    unknown = sorted(set(given) - set(labels))
    if unknown:
        if unquoted := unquoted_labels("task.class_weights", given, sorted(set(labels) - set(given))):
            raise ConfigError([unquoted])
        if misread := numbers_misread("task.class_weights", unknown, labels):
            raise ConfigError([misread])
        known = with_commas(labels)
        raise ConfigError([f"task.class_weights has '{unknown[0]}', which is no label; known: {known}"])
    return tuple(float(given.get(label, 1.0)) for label in labels)
