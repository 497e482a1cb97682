"""What a trial's run shows of its best evaluation: answers, scores of labels, which are taken for which."""

from collections.abc import Sequence
from typing import Any

from slimtune.training.data.examples import Example
from slimtune.training.evaluation.answer_table import answer_table
from slimtune.training.evaluation.confusion_picture import confusion_picture
from slimtune.training.evaluation.score import Evaluation
from slimtune.training.tasks import Task
from slimtune.training.tracking.run import TrackedRun
from slimtune.training.tracking.tables import log_tables

ANSWERS, PER_LABEL, CONFUSION = "predictions.json", "per_label.json", "confusion.svg"


def log_answers(run: TrackedRun, *, task: Task, evaluation: Evaluation, examples: Sequence[Example]) -> None:
    """Log what there is of them.

    Args:
        run: The trial's.
        task: The task.
        evaluation: Of the validation rows.
        examples: These rows.
    """
    details = task.details(evaluation.tally)
    tables: dict[str, dict[str, list[Any]]] = {ANSWERS: answer_table(task, evaluation, examples)}
    if records := details.get("per_label"):
        tables[PER_LABEL] = {key: [one[key] for one in records] for key in records[0]}
    found = {file: table for file, table in tables.items() if table}
    if found:
        log_tables(run, found)
    if (picture := confusion_picture(details)) is not None:
        run.log_text(picture, CONFUSION)
