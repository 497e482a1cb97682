"""What the two kinds of models share that answer a text with a text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import torch
from torch import nn

from slimtune.training.config.task import GenerationTask
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.batching import Batch, EncodedSplit, Targets
from slimtune.training.data.duplicates.compared_texts import compared_texts
from slimtune.training.data.encoding import Encoded
from slimtune.training.data.examples import Example
from slimtune.training.data.prompted_rows import prompted
from slimtune.training.data.readers.row import Row
from slimtune.training.metrics import Measure, Tally, measures_of
from slimtune.training.models.generate import Generation, generate, some_rows
from slimtune.training.tasks.baselines import MAX_ANSWERS, nearest_answers
from slimtune.training.tasks.defaults import TaskDefaults
from slimtune.training.tasks.loss import LossSum, own_loss
from slimtune.training.tasks.token_loss import ModelCall, token_counts, token_loss, token_tally
from slimtune.training.tracking.display import NEAREST, UNIGRAM


@dataclass(frozen=True)
class TextToText(TaskDefaults):
    """What causal and encoder-decoder models share.

    Attributes:
        config: The task's section.
        max_length: Longest row in tokens: prompt and answer of a causal model, each of them for an encoder-decoder.
        seed: Draws the rows that text is generated for.
        max_positions: What the model can take; None if it has no limit.
        prompt_fields: Columns that a template writes into prompts, by which the most alike one is found.
    """

    config: GenerationTask
    max_length: int
    seed: int
    max_positions: int | None = None
    labels: tuple[str, ...] = field(default=())
    prompt_fields: tuple[str, ...] = ()

    headlines = ("exact_match", "bleu", "chrf", "rouge1", "rougeL", "accuracy", "f1_macro", "perplexity")

    @cached_property
    def measures(self) -> Sequence[Measure]:
        """As the protocol says."""
        return measures_of(self.config.metrics)

    @property
    def has_own_loss(self) -> bool:
        """Whether the loss is the user's own, who gets the logits."""
        return self._own_loss is not None

    @cached_property
    def _own_loss(self) -> Any:
        return own_loss(self.config.loss)

    @staticmethod
    def parse(row: Row, where: str, config: TrialConfig) -> Example | None:
        """A prompt and its answer, or a chat."""
        return prompted(row, where, config.data)

    def targets_of(self, encoded: Encoded) -> Targets:
        """Labels are in the column `labels`; a row weighs as much as it has labelled tokens."""
        raise NotImplementedError

    def split(self, examples: Sequence[Example], encoded: Encoded, *, name: str) -> EncodedSplit:
        """As the protocol says."""
        return EncodedSplit(encoded, self.targets_of(encoded), examples)

    def call(self, model: nn.Module, batch: Batch) -> ModelCall:
        """How the model is called with a batch."""
        raise NotImplementedError

    def loss(self, logits: torch.Tensor, batch: Batch, *, label_smoothing: float) -> LossSum:
        """Cross entropy of the labelled tokens."""
        return token_loss(logits, batch, self._own_loss, label_smoothing=label_smoothing)

    def tally(self, logits: torch.Tensor, batch: Batch, split: EncodedSplit, rows: Sequence[int]) -> Tally:
        """As the protocol says."""
        return token_tally(logits, batch, row=rows)

    def prompts(self, examples: Sequence[Example], tokenizer: Any) -> list[list[int]]:
        """Token ids that generation begins with."""
        raise NotImplementedError

    def generated(self, model: Any, split: EncodedSplit, tokenizer: Any, *, device: torch.device) -> Tally | None:
        """Answers for a few of the rows, the same ones at every evaluation."""
        rows = self.asked(split)
        if not rows:
            return None
        prompts = self.prompts([split.examples[row] for row in rows], tokenizer)
        settings = Generation(self.config.max_new_tokens, self.config.num_beams)
        return self.answered(split, rows, generate(model, prompts, tokenizer, settings=settings, device=device))

    def asked(self, split: EncodedSplit) -> list[int]:
        """The rows that text is generated for; none if no metric asks for text."""
        if all(measure.needs[0] != "prediction" for measure in self.measures):
            return []
        return some_rows(len(split.examples), self.config.eval_rows, seed=self.seed)

    def answered(self, split: EncodedSplit, rows: Sequence[int], answers: Sequence[str]) -> Tally:
        """The metrics' state of the rows' answers."""
        examples = [split.examples[row] for row in rows]
        return Tally.of(
            row=rows,
            prediction=[answer.strip() for answer in answers],
            reference=[example.label.strip() for example in examples],
            data=[example.row for example in examples],
        )

    def baselines(self, train: EncodedSplit, held_out: EncodedSplit, tokenizer: Any) -> Mapping[str, Tally]:
        """Token counts, and for some of the rows the answer of the training row with the most alike prompt."""
        rows = some_rows(len(held_out.examples), MAX_ANSWERS, seed=self.seed)
        asked = [held_out.examples[row] for row in rows]
        known = nearest_answers(*compared_texts([train.examples, asked], self.prompt_fields))
        answers = Tally.of(
            prediction=[train.examples[row].label.strip() for row in known],
            reference=[one.label.strip() for one in asked],
            data=[one.row for one in asked],
        )
        return {UNIGRAM: token_counts(train, held_out, tokenizer), NEAREST: answers}

    def with_generated_rows(self, num_rows: int) -> Self:
        """As the protocol says."""
        return replace(self, config=replace(self.config, eval_rows=num_rows))

    def predictions(self, tally: Tally, generated: Tally | None, examples: Sequence[Example]) -> list[Any]:
        """The text that was written."""
        return list(generated.columns["prediction"]) if generated is not None else []
