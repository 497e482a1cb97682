"""The task of a config."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from slimtune.training.config.task import CustomTask, TaskConfig
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.examples import Example, Reading
from slimtune.training.tasks import classification, extraction, generation, language_modelling, similarity
from slimtune.training.tasks.classification import Classification
from slimtune.training.tasks.extraction import Extraction
from slimtune.training.tasks.language_modelling import LanguageModelling
from slimtune.training.tasks.own_task import own_task_class
from slimtune.training.tasks.protocol import Task
from slimtune.training.tasks.similarity import Similarity
from slimtune.training.tasks.text_to_text import TextToText

Make = Callable[[TrialConfig, Sequence[Example], tuple[str, ...] | None], Task]
LabelsIn = Callable[[Example], Sequence[str]]


class Entry(NamedTuple):
    """A kind of task.

    Attributes:
        rows: The class whose `parse`, `stratify_by` and `has_near_leaks` say how rows are read.
        make: Makes the task of a config.
        labels_in: Labels of an example; None for tasks without.
    """

    rows: Any
    make: Make
    labels_in: LabelsIn | None = None


GENERATION = Entry(TextToText, generation.make)
TASK_KINDS: Mapping[str, Entry] = {
    "classification": Entry(Classification, classification.make, classification.labels_in),
    "generation": GENERATION,
    "summarization": GENERATION,
    "translation": GENERATION,
    "language_modelling": Entry(LanguageModelling, language_modelling.make),
    "extraction": Entry(Extraction, extraction.make, extraction.span_labels_in),
    "similarity": Entry(Similarity, similarity.make),
}


def entry_of(task: TaskConfig) -> Entry:
    """The kind of a config's task.

    Raises:
        ConfigError: The class of a task of the user's own cannot be used.
    """
    if isinstance(task, CustomTask):
        found = own_task_class(task.name)
        return Entry(found, found.make)
    return TASK_KINDS[task.name]


def reading_of(task: TaskConfig) -> Reading:
    """How the task of a config reads rows.

    Raises:
        ConfigError: The class of a task of the user's own cannot be used.
    """
    entry = entry_of(task)
    rows = entry.rows
    return Reading(rows.parse, rows.stratify_by, rows.has_near_leaks, has_labels=entry.labels_in is not None)


def labels_of_rows(task: TaskConfig, examples: Sequence[Example]) -> tuple[str, ...]:
    """The labels that rows have, sorted; empty for tasks without."""
    labels_in = entry_of(task).labels_in
    return tuple(sorted({label for one in examples for label in labels_in(one)})) if labels_in else ()


def task_of(
    config: TrialConfig,
    train: Sequence[Example] = (),
    *,
    split_off: Sequence[Example] = (),
    labels: tuple[str, ...] | None = None,
) -> Task:
    """The task of a config.

    Args:
        config: The trial's.
        train: The training rows, which tell the labels that the config leaves open.
        split_off: Held-out rows of the same file, whose labels are known too.
        labels: Those of a checkpoint, instead.

    Raises:
        DataError: The rows have no labels to learn.
        ConfigError: A loss or metric cannot be made.
        ModelError: The model is of another kind.
    """
    if labels is None and split_off and not getattr(config.task, "labels", None):
        known = labels_of_rows(config.task, [*train, *split_off])
        # a rare label may be in held-out rows alone
        labels = known if known != labels_of_rows(config.task, train) else None
    return entry_of(config.task).make(config, train, labels)
