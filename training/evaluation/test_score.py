"""Scores of a checkpoint on labelled rows; the winner's one reading of the test split."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch

from slimtune.training.checkpoints.checkpoint import load_model, load_own_tokenizer, own_task, read_record, trial_config
from slimtune.training.config.fit import Precision
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.examples import Example
from slimtune.training.data.splits import load_splits
from slimtune.training.evaluation.bootstrap import Interval, score_intervals
from slimtune.training.evaluation.per_label import details_of
from slimtune.training.evaluation.score import Evaluation, score_split
from slimtune.training.hardware.device import Resources, free_cores
from slimtune.training.tasks import Task
from slimtune.training.tasks.text_to_text import TextToText
from slimtune.training.workbench.workbench import ready

MOST_INTERVALS = 4


class TestResult(NamedTuple):
    """Attributes:
    num_rows: Rows of the test split.
    scores: The task's headline scores with their intervals.
    details: Label by label, as `details_of` gives them.
    """

    num_rows: int
    scores: dict[str, Interval]
    details: Mapping[str, Any]


def read_test(checkpoint: Path, *, seed: int) -> TestResult | None:
    """Score a checkpoint on the test rows of its own config, in fp32 on the CPU; None if it has none.

    Raises:
        ModelError: The checkpoint cannot be read.
        DataError: The rows cannot be read.
    """
    config = trial_config(read_record(checkpoint), checkpoint)
    examples = load_splits(config).test
    if not examples:
        return None
    task, evaluation = score_checkpoint(checkpoint, examples, config, name="test")
    names = headline_scores(task, config, evaluation)
    scores = score_intervals(evaluation, task.measures, names, seed=seed)
    return TestResult(num_rows=len(examples), scores=scores, details=details_of(task, evaluation))


def headline_scores(task: Task, config: TrialConfig, evaluation: Evaluation) -> list[str]:
    """The metric that the search went by, and the first of the task's that were computed."""
    wanted = dict.fromkeys((config.task.metric, *task.headlines))
    known = [name for name in wanted if name in evaluation.scores and name != "loss"]
    return known[:MOST_INTERVALS] or ["loss"]


def score_checkpoint(
    checkpoint: Path, examples: Sequence[Example], config: TrialConfig, *, name: str, every_row: bool = True
) -> tuple[Task, Evaluation]:
    """Score a checkpoint on rows, in fp32 on the CPU.

    Args:
        checkpoint: A trial's checkpoint folder.
        examples: The rows, read as its config says.
        config: The checkpoint's own.
        name: What to call the rows in an error.
        every_row: Text is written for all of them; otherwise for as many as in training.

    Raises:
        ModelError: The checkpoint cannot be read.
        DataError: The rows have a label that it does not know.
    """
    task = own_task(checkpoint)
    if every_row and isinstance(task, TextToText):
        task = replace(task, config=replace(task.config, eval_rows=len(examples)))
    tokenizer = load_own_tokenizer(checkpoint)
    split = ready(examples, task, tokenizer, config=config, name=name)
    resources = Resources(torch.device("cpu"), Precision.fp32, free_cores())
    batch = (config.fit.eval_batch_size, tokenizer)
    return task, score_split(load_model(checkpoint), split, task=task, resources=resources, batch=batch)
