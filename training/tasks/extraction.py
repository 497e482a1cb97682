"""Spans of a text and their types, by a tag for each word."""

# B rows, T tokens, C tags

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import AutoModelForTokenClassification

from slimtune.training.config.task import ExtractionTask
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.batching import IGNORED, Batch, EncodedSplit, Targets
from slimtune.training.data.encoding import Encoded
from slimtune.training.data.examples import Example
from slimtune.training.data.readers.row import Row
from slimtune.training.data.spans import (
    OUTSIDE,
    Span,
    spans_of_words,
    unreachable_notes,
)
from slimtune.training.data.tagged_rows import tagged_example
from slimtune.training.data.tokenizing.windows import ENDS, EXAMPLE, STARTS, windows_of
from slimtune.training.errors import DataError, ModelError
from slimtune.training.listed_names import with_commas
from slimtune.training.metrics import Measure, Tally, measures_of
from slimtune.training.metrics.entities import per_type
from slimtune.training.metrics.given.written_span import span_guard
from slimtune.training.models.generate import some_rows
from slimtune.training.tasks.baselines import MAX_ANSWERS, lookup
from slimtune.training.tasks.defaults import TaskDefaults
from slimtune.training.tasks.label_names import label_options, the_names, unquoted_labels
from slimtune.training.tasks.loss import LossSum, own_loss
from slimtune.training.tasks.token_loss import (
    ModelCall,
    called,
    num_virtual_tokens,
    token_loss,
    token_tally,
    weights_of,
)
from slimtune.training.tracking.display import LOOKUP


@dataclass(frozen=True)
class Extraction(TaskDefaults):
    """Tags words as BIO; the first token of a word speaks for it.

    Attributes:
        labels: Types of spans.
        max_length: Longest window in tokens; a longer text is several windows.
        stride: Tokens that two windows share; each word is tagged by one of them only.
        metrics: Names of what is measured.
        loss_settings: A loss of the user's own.
    """

    labels: tuple[str, ...]
    max_length: int
    stride: int
    metrics: tuple[str, ...] = ("entity_f1",)
    loss_settings: Mapping[str, Any] | None = None

    auto_class = AutoModelForTokenClassification
    peft_task_type = "TOKEN_CLS"
    export_kind = "tags"
    headlines = ("f1", "precision", "recall")

    @staticmethod
    def parse(row: Row, where: str, config: TrialConfig) -> Example | None:
        """A text with spans, or a list of words with a tag each."""
        return tagged_example(row, where, config.data)

    @property
    def tags(self) -> tuple[str, ...]:
        """`O`, and two tags for each type."""
        return (OUTSIDE, *(f"{mark}-{label}" for label in self.labels for mark in "BI"))

    @cached_property
    def measures(self) -> Sequence[Measure]:
        """As the protocol says; predictions and references are the spans of whole examples."""
        loss, *own = measures_of(self.metrics, span_guard)
        return (loss, *(one._replace(compute=_over_examples(one), needs=("spans", "gold")) for one in own))

    @cached_property
    def _own_loss(self) -> Any:
        return own_loss(self.loss_settings)

    def model_options(self) -> Mapping[str, object]:
        """As the protocol says."""
        return label_options(self.tags)

    def settings(self) -> Mapping[str, Any]:
        """As the protocol says."""
        return {
            "encoding": "windows of words",
            "max_length": self.max_length,
            "stride": self.stride,
            "labels": self.labels,
        }

    def encode(self, examples: Sequence[Example], tokenizer: Any) -> Encoded:
        """Windows of the texts; a text that is cut is one that is several windows."""
        if not tokenizer.is_fast:
            raise ModelError(
                "extraction needs a tokenizer that tells where its tokens stand; this one has no fast form"
            )
        room = self.max_length - tokenizer.num_special_tokens_to_add()
        if room < 2:
            raise DataError(f"data.max_length is {self.max_length}, which leaves no room for words; use e.g. 128")
        stride = min(self.stride, room // 2)
        return windows_of(examples, tokenizer, self.tags, max_length=self.max_length, stride=stride)

    def split(self, examples: Sequence[Example], encoded: Encoded, *, name: str) -> EncodedSplit:
        """As the protocol says; the rows are windows."""
        unknown = sorted({span.label for example in examples for span in example.spans} - set(self.labels))
        if unknown:
            known = with_commas(self.labels)
            raise DataError(
                f"the {name} rows have spans of {the_names('type', unknown, known=self.labels)}, which no "
                f"training row has; known: {known}; correct it, or name all types in task.labels"
            )
        return EncodedSplit(encoded, Targets(None, weights_of(encoded, next_token=False)), examples)

    def logits(self, model: nn.Module, batch: Batch) -> torch.Tensor:
        """Scores of the tags (B, T, C)."""
        return called(model, ModelCall(batch.inputs))[:, num_virtual_tokens(model) :]

    def loss(self, logits: torch.Tensor, batch: Batch, *, label_smoothing: float) -> LossSum:
        """Cross entropy of the words' tags."""
        return token_loss(logits, batch, self._own_loss, label_smoothing=label_smoothing)

    def tally(self, logits: torch.Tensor, batch: Batch, split: EncodedSplit, rows: Sequence[int]) -> Tally:
        """As the protocol says; `spans` are the words of a window with their predicted tags."""
        predicted_BT = logits.argmax(-1).cpu().numpy()
        columns = split.encoded.columns
        owners = [int(columns[EXAMPLE].row(row)[0]) for row in rows]
        return token_tally(
            logits,
            batch,
            row=rows,
            example=owners,
            spans=[self._tagged(split.encoded, row, predicted_BT[at]) for at, row in enumerate(rows)],
            gold=[split.examples[owner].spans for owner in owners],
            data=[split.examples[owner].row for owner in owners],
        )

    def _tagged(self, encoded: Encoded, row: int, predicted_T: np.ndarray) -> tuple[tuple[int, int, str], ...]:
        tagged = np.flatnonzero(encoded.columns["labels"].row(row) != IGNORED)
        starts, ends = encoded.columns[STARTS].row(row), encoded.columns[ENDS].row(row)
        return tuple((int(starts[at]), int(ends[at]), self.tags[predicted_T[at]]) for at in tagged)

    def baselines(self, train: EncodedSplit, held_out: EncodedSplit, tokenizer: Any) -> Mapping[str, Tally]:
        """Looking up the spans of the training rows, in some of the others."""
        known = [one.text for one in train.examples], [one.spans for one in train.examples]
        asked = [held_out.examples[row] for row in some_rows(len(held_out.examples), MAX_ANSWERS, seed=0)]
        found = lookup(*known, [one.text for one in asked])
        answers = Tally.of(
            example=range(len(found)),
            spans=[tuple((start, end, f"B-{label}") for start, end, label in spans) for spans in found],
            gold=[one.spans for one in asked],
            data=[one.row for one in asked],
        )
        return {LOOKUP: answers}

    def notes(self, examples: Sequence[Example]) -> Sequence[str]:
        """Spans that tags of words cannot say.

        Raises:
            DataError: All texts are single words.
        """
        if len(examples) > 1 and all(map(_is_one_word, examples)) and any(example.spans for example in examples):
            raise DataError(
                f"each of the {len(examples):,} texts is one word, and a row is a whole text: put the words of a "
                "sentence into one row, and their tags, as lists or with blanks between"
            )
        return unreachable_notes([(example.text, example.spans) for example in examples])

    def predictions(self, tally: Tally, generated: Tally | None, examples: Sequence[Example]) -> list[Any]:
        """Spans as `{"start", "end", "label", "text"}`, in characters of the text."""
        return [
            [span.within(example.text) for span in spans]
            for example, spans in zip(examples, predicted_spans(tally), strict=True)
        ]

    def details(self, tally: Tally) -> Mapping[str, Any]:
        """`per_label`: precision, recall, F1 and spans of each type."""
        scores = per_type(*over_examples(tally))
        return {"per_label": [{"label": name, **one._asdict()} for name, one in scores.items()]}

    def export_settings(self, tokenizer: Any) -> Mapping[str, Any]:
        """As the protocol says."""
        room = self.max_length - tokenizer.num_special_tokens_to_add()
        return {"tags": list(self.tags), "stride": min(self.stride, room // 2)}


def _is_one_word(example: Example) -> bool:
    """Nothing but a word that is no span or a whole one; languages without blanks have spans within."""
    whole = (0, len(example.text))
    return len(example.text.split()) == 1 and all(span[:2] == whole for span in example.spans)


def _over_examples(measure: Measure) -> Callable[[Tally], Mapping[str, float]]:
    """The measure over whole examples: the words of their windows are put together first."""

    def compute(tally: Tally) -> Mapping[str, float]:
        predictions, references = over_examples(tally)
        rows = dict(zip(tally.columns["example"], tally.columns["data"], strict=True))
        whole = Tally.of(prediction=predictions, reference=references, data=[rows[owner] for owner in sorted(rows)])
        return measure.compute(whole)

    return compute


def predicted_spans(tally: Tally) -> list[tuple[Span, ...]]:
    """The spans of each example, in order: the words of its windows are put together."""
    words: dict[int, list[tuple[int, int, str]]] = defaultdict(list)
    for owner, tagged in zip(tally.columns["example"], tally.columns["spans"], strict=True):
        words[owner] += tagged
    return [spans_of_words(words[owner]) for owner in sorted(words)]


def over_examples(tally: Tally) -> tuple[list[list[str]], list[list[str]]]:
    """Predicted and expected spans of each example, as the metric takes them."""
    gold = dict(zip(tally.columns["example"], tally.columns["gold"], strict=True))
    return [written(spans) for spans in predicted_spans(tally)], [written(gold[owner]) for owner in sorted(gold)]


def written(spans: Sequence[Span]) -> list[str]:
    """As the metric takes them."""
    return [f"{span.start}:{span.end}:{span.label}" for span in spans]


def span_labels_in(example: Example) -> Sequence[str]:
    """Types of its spans."""
    return [span.label for span in example.spans]


def make(config: TrialConfig, train: Sequence[Example], labels: tuple[str, ...] | None) -> Extraction:
    """The task of a config.

    Raises:
        DataError: The training rows have no spans, or one that `task.labels` lacks.
    """
    task = config.task
    assert isinstance(task, ExtractionTask)
    found = tuple(sorted({span.label for example in train for span in example.spans}))
    labels = labels or (tuple(task.labels) if task.labels else found)
    if not labels:
        raise DataError(f"{config.data.train_file}: no row has a span in column '{config.data.label_column}'")
    missing = sorted(set(found) - set(labels))
    if missing:
        if unquoted := unquoted_labels("task.labels", task.labels or (), missing):
            raise DataError(unquoted)
        raise DataError(
            f"the training rows have {the_names('type', missing, known=labels)}, which task.labels lacks; add it there"
        )
    return Extraction(labels, config.data.max_length, task.stride, tuple(task.metrics), task.loss)
