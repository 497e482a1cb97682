"""How alike two texts are: the cosine of their vectors."""

# B pairs, T tokens, D dimensions

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cosine_similarity, pad
from transformers import AutoModel

from slimtune.training.alike_names import looks_like
from slimtune.training.config.task import METRIC_KEYS, Pooling, SimilarityTask, TaskConfig
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.batching import Batch, EncodedSplit, Targets
from slimtune.training.data.encoding import Encoded, Ragged
from slimtune.training.data.examples import Example, number_of, texts_of
from slimtune.training.data.label_cells import fitting_range, label_name, label_of, score_range_setting, share_of_range
from slimtune.training.data.readers.row import Row
from slimtune.training.data.tokenizing.batches import UNCUT, both_uncut, tokenized
from slimtune.training.errors import ConfigError, DataError
from slimtune.training.listed_names import with_commas
from slimtune.training.metrics import Measure, Tally, measures_of
from slimtune.training.metrics.cosines import comparable
from slimtune.training.metrics.given.pair_number import pair_guard
from slimtune.training.metrics.spearman import spearman
from slimtune.training.tasks.baselines import word_overlap
from slimtune.training.tasks.defaults import TaskDefaults
from slimtune.training.tasks.loss import LossSum, at_least_float32, own_loss
from slimtune.training.tasks.pair_losses import PairLabels, labels_taken
from slimtune.training.tasks.token_loss import num_virtual_tokens
from slimtune.training.tracking.display import OVERLAP

# what labels are where two words say it
ALIKE, DIFFERENT = "1", "0"
EXAMPLE = "1 or 0.8, or name the label of pairs that are alike: task.alike_label=..."
# labels that a message names
SHOWN = 5
# pairs that show what labels mean, and how sure they must be of it
LEAST_PAIRS, MOST_PAIRS = 30, 5000
MOST_APART, MOST_DEVIATIONS = 0.2, 4.0


@dataclass(frozen=True)
class Similarity(TaskDefaults):
    """Two texts go through one model; a loss over both vectors and the label moves it.

    Attributes:
        max_length: Longest text in tokens.
        pooling: How token vectors become one.
        metrics: Names of what is measured.
        loss_settings: The loss; called with (output1, output2, label), each (B, D), (B, D), (B).
        metric: The one that the search goes by.
        label_column: Where rows have their label, which is looked at where `alike` is a name.
        alike: The name of the label of pairs that are alike; None where labels are numbers.
        score_range: The numbers of rows that stand for not alike and for alike; None where they are 0 and 1.
    """

    max_length: int
    pooling: Pooling
    metrics: tuple[str, ...]
    loss_settings: Mapping[str, Any]
    metric: str = "loss"
    label_column: str = "label"
    alike: str | None = None
    score_range: tuple[float, float] | None = None

    labels = ()
    auto_class = AutoModel
    peft_task_type = "FEATURE_EXTRACTION"
    headlines = ("spearman", "average_precision", "best_threshold_accuracy")
    # in-batch negatives are the rows beside
    couples_rows = True
    export_kind = "embedding"

    @staticmethod
    def parse(row: Row, where: str, config: TrialConfig) -> Example | None:
        """Two texts and a number: 1 or 0 by `task.alike_label`, or a share of `task.score_range`, if one is set."""
        data = config.data
        if data.text_pair_column is None:
            raise DataError("data.text_pair_column is null; similarity needs the column of the second text")
        text, pair = texts_of(row, where, data)
        if not (text and pair):
            return None
        alike = alike_name(config.task)
        if alike is None:
            number = number_of(row, data.label_column, where, example=EXAMPLE)
            ends = score_range_of(config.task)
            return Example(
                text, number if ends is None else share_of_range(number, ends, data.label_column, where), pair
            )
        name = label_of(row, data.label_column, where, "label_column")
        return Example(text, ALIKE if name == alike else DIFFERENT, pair)

    @cached_property
    def measures(self) -> Sequence[Measure]:
        """As the protocol says."""
        return measures_of(self.metrics, pair_guard)

    @cached_property
    def _loss(self) -> Any:
        return own_loss(self.loss_settings)

    @cached_property
    def _taken(self) -> PairLabels:
        """What the loss takes for alike and different, and is given."""
        return labels_taken(self._loss)

    def check_direction(self) -> None:
        """Whether it is known what labels mean, where the loss takes them otherwise than they are taken here.

        Raises:
            ConfigError: It is not.
        """
        if self.alike is None and self._taken.is_turned:
            raise ConfigError(
                [
                    f"task.loss._target_ is '{self._loss.target}', which pulls pairs with the label "
                    f"{self._taken.alike} together, and "
                    "task.alike_label is null, by which larger labels are more alike; say which of two labels means "
                    "alike, e.g. task.alike_label=0, or for scores take a loss that pulls larger ones together"
                ]
            )

    def _nats(self, first_BD: torch.Tensor, second_BD: torch.Tensor, labels_B: torch.Tensor) -> torch.Tensor:
        return self._loss(first_BD, second_BD, self._taken.given(labels_B))  # type: ignore[no-any-return]

    def settings(self) -> Mapping[str, Any]:
        """As the protocol says."""
        return {"encoding": "two texts", "max_length": self.max_length}

    def encode(self, examples: Sequence[Example], tokenizer: Any) -> Encoded:
        """Both texts, each by itself."""
        sides = ([one.text for one in examples], [one.pair for one in examples])
        (first, _), (second, _) = (tokenized(texts, tokenizer, max_length=self.max_length) for texts in sides)
        uncut = both_uncut(first[UNCUT], second[UNCUT])
        columns = {**first, "pair_input_ids": second["input_ids"], UNCUT: uncut}
        num_cut = sum(max(both) > self.max_length for both in uncut)
        return Encoded({name: Ragged.of(rows) for name, rows in columns.items()}, num_cut)

    def split(self, examples: Sequence[Example], encoded: Encoded, *, name: str) -> EncodedSplit:
        """As the protocol says.

        Raises:
            DataError: A label is none that the loss is made for, or all validation rows have the same one.
        """
        if self.alike is not None:
            check_two(pair_labels_in(examples, self.label_column), self.alike, f"the {name} rows")
        labels_N = np.array([float(example.label) for example in examples], dtype=np.float32)
        low, high = self._loss.label_range
        wrong_N = ~((labels_N >= low) & (labels_N <= high) & np.isfinite(labels_N))
        if wrong_N.any():
            fitting = "finite labels" if np.isinf(high) else f"labels from {low:g} to {high:g}"
            wrong = examples[int(wrong_N.argmax())]
            raise DataError(
                f"the {name} rows have the label {wrong.label}, but task.loss takes {fitting} (its text is "
                f"{wrong.text!r:.60}): {self._range_repair(examples)}, or choose another loss"
            )
        if self._taken.is_signed and not any(set(labels_N.tolist()) <= two for two in ({0.0, 1.0}, {-1.0, 1.0})):
            odd = next(one.label for one in examples if float(one.label) != 1)
            raise DataError(
                f"the {name} rows have the label {odd}, but task.loss._target_ is '{self._loss.target}', which takes 1 "
                "and -1 alone: give rows two labels, 1 and 0 or 1 and -1, or for scores take e.g. CosineLoss of "
                "slimtune.training.tasks.pair_losses"
            )
        if name == "validation":
            self._check_metric(set(labels_N.tolist()))
        return EncodedSplit(encoded, Targets(labels_N, np.ones(len(examples))), examples)

    def _range_repair(self, examples: Sequence[Example]) -> str:
        """What to do about labels that the loss does not take."""
        low, high = self._loss.label_range
        if self.score_range is not None:
            return f"{score_range_setting(self.score_range)} makes labels 0 to 1; use null"
        if self.alike is None and low <= 0 and high >= 1:
            ends = fitting_range([float(one.label) for one in examples])
            return f"set {score_range_setting(ends)}, the labels that stand for not alike and for alike"
        return "rescale the column"

    def _check_metric(self, labels: set[float]) -> None:
        repair = "give others too, or use task.metric=loss"
        if self.metric == "spearman" and len(labels) < 2:
            raise DataError(f"the validation rows all have the same label, {labels.pop():g}; {repair}")
        if self.metric in METRIC_KEYS["pair_scores"] and labels != {0.0, 1.0}:
            raise DataError(f"task.metric is {self.metric}, which needs the labels 0 and 1 in validation; {repair}")

    def notes(self, examples: Sequence[Example]) -> Sequence[str]:
        """Whether larger labels seem to say that texts differ: losses here and metrics take them for how alike."""
        asked = examples[:MOST_PAIRS]
        firsts, seconds = [one.text for one in asked], [one.pair for one in asked]
        labels = [float(one.label) for one in asked]
        turned = (
            ()
            if self._taken == (1, 0)
            else (
                f"{self._loss.target} takes {self._taken.different} for different, and is given labels so; scores take "
                "1 for alike",
            )
        )
        if len(asked) < LEAST_PAIRS:
            return turned
        # NaN where all labels, or all shares of words, are one
        rho = spearman(word_overlap([*firsts, *seconds], firsts, seconds), labels)["spearman"]
        # so far from nothing only by what the labels mean
        if not rho < -MOST_APART or rho * math.sqrt(len(asked)) > -MOST_DEVIATIONS:
            return turned
        if self.alike is not None:
            other = f"pairs with task.alike_label={self.alike} share fewer words than the others (Spearman {rho:z.2f})"
            return (*turned, f"{other}: look whether it is the other label that means alike")
        low, high = self.score_range or (0.0, 1.0)
        is_named = set(labels) == {0.0, 1.0} and self.score_range is None
        way = "task.alike_label=0" if is_named else f"turn the column round ({low + high:g} - label)"
        return (
            *turned,
            f"pairs with larger labels share fewer words (Spearman {rho:z.2f}): a label is taken for how alike two "
            f"texts are; where it says how different, {way}",
        )

    def logits(self, model: nn.Module, batch: Batch) -> torch.Tensor:
        """The vectors of both texts (B, 2, D)."""
        first, second = (
            (batch.inputs[f"{side}input_ids"], batch.inputs[f"{side}attention_mask"]) for side in ("", "pair_")
        )
        longest = max(first[0].shape[1], second[0].shape[1])
        ids, mask = (
            torch.cat([pad(one, (0, longest - one.shape[1])) for one in pair])
            for pair in zip(first, second, strict=True)
        )
        states = at_least_float32(model(input_ids=ids, attention_mask=mask).last_hidden_state)
        states = states[:, num_virtual_tokens(model) :]
        return torch.stack(torch.chunk(pooled(states, mask, self.pooling), 2), dim=1)

    def loss(self, logits: torch.Tensor, batch: Batch, *, label_smoothing: float) -> LossSum:
        """The mean that the loss gives, times the rows."""
        return LossSum(self._nats(logits[:, 0], logits[:, 1], batch.labels) * len(batch), len(batch))

    def tally(self, logits: torch.Tensor, batch: Batch, split: EncodedSplit, rows: Sequence[int]) -> Tally:
        """As the protocol says. The loss of a pair is that of a batch of it alone where the loss couples rows."""
        scores_B = cosine_similarity(logits[:, 0], logits[:, 1])
        nats = [
            float(self._nats(logits[at : at + 1, 0], logits[at : at + 1, 1], batch.labels[at : at + 1]))
            for at in range(len(batch))
        ]
        return Tally.of(
            row=rows,
            nats=nats,
            weight=[1.0] * len(batch),
            prediction=comparable(scores_B.tolist()),
            reference=batch.labels.tolist(),
            data=[split.examples[row].row for row in rows],
        )

    def baselines(self, train: EncodedSplit, held_out: EncodedSplit, tokenizer: Any) -> Mapping[str, Tally]:
        """The share of common words."""
        texts = [text for one in train.examples for text in (one.text, one.pair)]
        firsts, seconds = [one.text for one in held_out.examples], [one.pair for one in held_out.examples]
        shares = Tally.of(
            prediction=word_overlap(texts, firsts, seconds),
            reference=[float(one.label) for one in held_out.examples],
            data=[one.row for one in held_out.examples],
        )
        return {OVERLAP: shares}

    def export_settings(self, tokenizer: Any) -> Mapping[str, Any]:
        """As the protocol says."""
        return {"pooling": self.pooling.value}


def pooled(states_BTD: torch.Tensor, mask_BT: torch.Tensor, pooling: Pooling) -> torch.Tensor:
    """One vector a row (B, D)."""
    match pooling:
        case Pooling.mean:
            weights_BT1 = mask_BT.unsqueeze(-1).to(states_BTD.dtype)
            return (states_BTD * weights_BT1).sum(1) / weights_BT1.sum(1)
        case Pooling.cls:
            return states_BTD[:, 0]
        case Pooling.last:
            last_B = mask_BT.sum(1) - 1
            return states_BTD[torch.arange(len(states_BTD), device=states_BTD.device), last_B]


def alike_name(task: TaskConfig) -> str | None:
    """The name of the label of pairs that are alike; None where labels are numbers."""
    asked = task.alike_label if isinstance(task, SimilarityTask) else None
    if asked is None:
        return None
    return label_name(str(asked).lower() if isinstance(asked, bool) else str(asked), asked)


def score_range_of(task: TaskConfig) -> tuple[float, float] | None:
    """The numbers that stand for not alike and for alike; None where labels are taken as they are."""
    ends = task.score_range if isinstance(task, SimilarityTask) else None
    return None if ends is None else (ends[0], ends[1])


def pair_labels_in(examples: Sequence[Example], label_column: str) -> list[str]:
    """The labels of rows as they were read, sorted."""
    rows = [one.row for one in examples if one.row]
    return sorted({label_of(row, label_column, "a row", "label_column") for row in rows})


def check_two(names: Sequence[str], alike: str, said: str) -> None:
    """Whether labels are that of alike pairs and another one.

    Raises:
        DataError: There are more.
    """
    others = [name for name in names if name != alike]
    if len(others) < 2:
        return
    shown = with_commas([f"'{name}'" for name in others[:SHOWN]]) + (", ..." if len(others) > SHOWN else "")
    raise DataError(
        f"task.alike_label is '{alike}', and {said} have {len(others):,} other labels, {shown}: it parts two labels; "
        "write the others in one way, or where they are numbers that say how alike texts are, use null"
    )


def make(config: TrialConfig, train: Sequence[Example], labels: tuple[str, ...] | None) -> Similarity:
    """The task of a config.

    Raises:
        ConfigError: The loss takes 1 for different, and the config does not say which label means alike.
        DataError: It names a label that no training row has.
    """
    task = config.task
    assert isinstance(task, SimilarityTask)
    alike, column = alike_name(task), config.data.label_column
    made = Similarity(
        config.data.max_length,
        task.pooling,
        tuple(task.metrics),
        task.loss,
        task.metric,
        label_column=column,
        alike=alike,
        score_range=score_range_of(task),
    )
    made.check_direction()
    names = pair_labels_in(train, column) if alike is not None else []
    if names and alike not in names:
        raise DataError(
            f"task.alike_label is '{alike}', and the training rows have the labels {with_commas(names[:SHOWN])}"
            f"{looks_like(str(alike), names)}; name one of these"
        )
    return made
