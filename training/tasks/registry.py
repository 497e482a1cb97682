"""The task of a config."""

from collections.abc import Callable, Sequence
from typing import Any

from slimtune.training.config.dotted_path import imported
from slimtune.training.config.task import CustomConfig
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.examples import Example
from slimtune.training.errors import ConfigError
from slimtune.training.tasks import classification, extraction, language_modelling, similarity, text_to_text
from slimtune.training.tasks.protocol import Task

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


def own_task_class(path: str) -> Any:
    """The class of a task of the user's own.

    Raises:
        ConfigError: It cannot be imported, or lacks `parse`, `make` or a method of the protocol.
    """
    found = imported(path, said="task.name is")
    from slimtune.training.tasks.protocol import Task

    methods = [name for name, value in vars(Task).items() if callable(value) and not name.startswith("_")]
    missing = [part for part in ("parse", "make", *methods) if not callable(getattr(found, part, None))]
    if missing:
        raise ConfigError([f"task.name is '{path}', which has no {missing[0]}(); see examples/custom/regression.py"])
    return found
