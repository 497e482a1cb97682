"""The task of a config."""

from collections.abc import Callable, Sequence

from training.config import TrialConfig
from training.examples import Example, own_task_class
from training.task_config import CustomConfig
from training.tasks import classification, extraction, language_modelling, similarity, text_to_text
from training.tasks.protocol import Task

MAKERS: dict[str, Callable[[TrialConfig, Sequence[Example], tuple[str, ...] | None], Task]] = {
    "classification": classification.make,
    "generation": text_to_text.make,
    "summarization": text_to_text.make,
    "translation": text_to_text.make,
    "language_modelling": language_modelling.make,
    "extraction": extraction.make,
    "similarity": similarity.make,
}


def task_of(config: TrialConfig, train: Sequence[Example] = (), *, labels: tuple[str, ...] | None = None) -> Task:
    """The task of a config.

    Args:
        config: The trial's.
        train: The training rows, which tell the labels that the config leaves open.
        labels: Those of a checkpoint, instead.

    Raises:
        DataError: The rows have no labels to learn.
        ConfigError: A loss or metric cannot be made.
        ModelError: The model is of another kind.
    """
    if isinstance(config.task, CustomConfig):
        task: Task = own_task_class(config.task.name).make(config, train, labels)
        return task
    return MAKERS[config.task.name](config, train, labels)
