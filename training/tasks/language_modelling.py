"""The next token of plain text, packed into blocks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import AutoModelForCausalLM

from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.batching import Batch, EncodedSplit, Targets
from slimtune.training.data.encoding import Encoded, Ragged
from slimtune.training.data.examples import Example, text_of
from slimtune.training.data.readers.row import Row
from slimtune.training.metrics import Measure, Tally, measures_of
from slimtune.training.tasks.causal_generation import next_token_call, next_token_logits, num_end_tokens
from slimtune.training.tasks.defaults import TaskDefaults
from slimtune.training.tasks.loss import LossSum, own_loss
from slimtune.training.tasks.token_loss import ModelCall, token_counts, token_loss, token_tally, weights_of
from slimtune.training.tracking.display import UNIGRAM


@dataclass(frozen=True)
class LanguageModelling(TaskDefaults):
    """Documents end with the end-of-sequence token and follow one another.

    Attributes:
        block_size: Tokens of a block; `data.max_length`.
        metrics: Names of what is measured.
        loss_settings: A loss of the user's own.
    """

    block_size: int
    metrics: tuple[str, ...] = ("perplexity",)
    loss_settings: Mapping[str, Any] | None = None

    labels = ()
    auto_class = AutoModelForCausalLM
    peft_task_type = "CAUSAL_LM"
    # documents share passages, and are no rows of questions with answers
    has_near_leaks = False
    export_kind = "causal"
    headlines = ("perplexity",)

    @staticmethod
    def parse(row: Row, where: str, config: TrialConfig) -> Example | None:
        """A document."""
        text = text_of(row, config.data.text_column, where, "text_column")
        return Example(text) if text else None

    @cached_property
    def measures(self) -> Sequence[Measure]:
        """As the protocol says."""
        return measures_of(self.metrics)

    @property
    def has_own_loss(self) -> bool:
        """Whether the loss is the user's own, who gets the logits."""
        return self._own_loss is not None

    @cached_property
    def _own_loss(self) -> Any:
        return own_loss(self.loss_settings)

    def settings(self) -> Mapping[str, Any]:
        """As the protocol says."""
        return {"encoding": "blocks", "max_length": self.block_size}

    def encode(self, examples: Sequence[Example], tokenizer: Any) -> Encoded:
        """Blocks that share one token with the next, so that every token but the first is predicted once.

        Nothing is dropped; the last block may be shorter.
        """
        num_ends, end = num_end_tokens(tokenizer), tokenizer.eos_token_id
        documents = []
        for example in examples:
            ids = tokenizer(example.text, verbose=False)["input_ids"]
            documents.append(np.asarray([*ids[: len(ids) - num_ends], end], dtype=np.int32))
        stream_T = np.concatenate(documents)
        starts = range(0, max(1, len(stream_T) - 1), max(1, self.block_size - 1))
        blocks = Ragged.of([stream_T[start : start + self.block_size] for start in starts])
        return Encoded({"input_ids": blocks, "labels": blocks}, 0)

    def split(self, examples: Sequence[Example], encoded: Encoded, *, name: str) -> EncodedSplit:
        """As the protocol says; the rows are blocks."""
        return EncodedSplit(encoded, Targets(None, weights_of(encoded, next_token=True), next_token=True), examples)

    def logits(self, model: nn.Module, batch: Batch) -> torch.Tensor:
        """Scores of the next token (B, K, V)."""
        return next_token_logits(model, batch)

    def call(self, model: nn.Module, batch: Batch) -> ModelCall:
        """How the model is called with a batch."""
        return next_token_call(model, batch)

    def loss(self, logits: torch.Tensor, batch: Batch, *, label_smoothing: float) -> LossSum:
        """Cross entropy of the tokens."""
        return token_loss(logits, batch, self._own_loss, label_smoothing=label_smoothing)

    def tally(self, logits: torch.Tensor, batch: Batch, split: EncodedSplit, rows: Sequence[int]) -> Tally:
        """As the protocol says."""
        return token_tally(logits, batch, row=rows)

    def baselines(self, train: EncodedSplit, held_out: EncodedSplit, tokenizer: Any) -> Mapping[str, Tally]:
        """Token counts."""
        return {UNIGRAM: token_counts(train, held_out, tokenizer)}


def make(config: TrialConfig, train: Sequence[Example], labels: tuple[str, ...] | None) -> LanguageModelling:
    """The task of a config.

    Raises:
        ModelError: The checkpoint is no causal model.
    """
    from slimtune.training.models.architecture import check_causal

    check_causal(config.model)
    return LanguageModelling(config.data.max_length, tuple(config.task.metrics), config.task.loss)
