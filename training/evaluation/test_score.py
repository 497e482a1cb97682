"""Scores of a checkpoint on labelled rows; the winner's one reading of the test split."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch

from slimtune.training.checkpoints.checkpoint import Checkpoint
from slimtune.training.config.fit import Precision
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.examples import Example
from slimtune.training.errors import ModelError
from slimtune.training.evaluation.bootstrap import Interval, score_intervals
from slimtune.training.evaluation.one_answer import one_answer_note
from slimtune.training.evaluation.passes import EagerPasses
from slimtune.training.evaluation.score import Evaluation, score_split
from slimtune.training.hardware.resources import Resources
from slimtune.training.hardware.threads import free_cores
from slimtune.training.stages import told_stage
from slimtune.training.tasks import Task
from slimtune.training.workbench.prepared_data import ReadRows, encoded_split

MOST_INTERVALS = 4


class TestResult(NamedTuple):
    """What the test split says of a checkpoint.

    Attributes:
        num_rows: Rows of the test split.
        scores: The task's headline scores with their intervals.
        details: Label by label, as the task gives them.
        note: What the scores do not say: that all answers are one.
    """

    num_rows: int
    scores: dict[str, Interval]
    details: Mapping[str, Any]
    note: str | None = None


def read_test(checkpoint: Checkpoint, *, seed: int, read: ReadRows | None = None) -> TestResult | None:
    """Score a checkpoint on the test rows of its own config, in fp32 on the CPU; None if it has none.

    Args:
        checkpoint: Of a trial.
        seed: Of the intervals' resamples.
        read: Rows that were read before.

    Raises:
        ModelError: The weights cannot be read, or the tokenizer is of another model.
        DataError: The rows cannot be read.
    """
    examples = (read or ReadRows()).of(checkpoint.config).test
    if not examples:
        return None
    task, evaluation = score_checkpoint(checkpoint, examples, name="test")
    names = headline_scores(task, checkpoint.config, evaluation)
    scores = score_intervals(evaluation, task.measures, names, seed=seed)
    note = one_answer_note(task.predictions(evaluation.tally, evaluation.generated, examples), examples)
    return TestResult(len(examples), scores, task.details(evaluation.tally), note)


def headline_scores(task: Task, config: TrialConfig, evaluation: Evaluation) -> list[str]:
    """The metric that the search went by, the loss too, and the first of the task's that were computed."""
    wanted = dict.fromkeys((config.task.metric, *task.headlines))
    known = [name for name in wanted if name in evaluation.scores]
    return known[:MOST_INTERVALS] or ["loss"]


def score_checkpoint(
    checkpoint: Checkpoint, examples: Sequence[Example], *, name: str, every_row: bool = True
) -> tuple[Task, Evaluation]:
    """Score a checkpoint on rows, in fp32 on the CPU.

    Args:
        checkpoint: Of a trial.
        examples: The rows, read as its config says.
        name: What to call the rows in an error.
        every_row: Text is written for all of them; otherwise for as many as in training.

    Raises:
        ModelError: The weights cannot be read.
        DataError: The rows have a label that it does not know.
    """
    task, config = checkpoint.task, checkpoint.config
    if every_row:
        task = task.with_generated_rows(len(examples))
    tokenizer = checkpoint.tokenizer()
    split = encoded_split(examples, task, tokenizer, config=config, name=name)
    resources = Resources(torch.device("cpu"), Precision.fp32, free_cores())
    batch = (config.fit.eval_batch_size, tokenizer)
    with told_stage("loads the model"):
        model = checkpoint.model()
    _check_vocabulary(checkpoint, tokenizer, model)
    with told_stage("scores", len(examples)):
        return task, score_split(model, split, task=task, passes=EagerPasses(resources), batch=batch)


def _check_vocabulary(checkpoint: Checkpoint, tokenizer: Any, model: Any) -> None:
    """Files of another tokenizer, copied beside the weights, would be met at the first text with such a token."""
    rows = getattr(model.get_input_embeddings(), "num_embeddings", None)
    last = max(tokenizer.get_vocab().values(), default=0)
    if rows is not None and last >= rows:
        raise ModelError(
            f"{checkpoint.folder}: its tokenizer has tokens up to {last} ({tokenizer.convert_ids_to_tokens(last)!r}), "
            f"and its model {rows}; bring back the tokenizer's files that it was trained with"
        )
