"""Rows as the task of a config reads them."""

from typing import Any

from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.examples import Example
from slimtune.training.data.splits import RowSplits, examples_of, load_splits
from slimtune.training.tasks.registry import reading_of


def read_splits(config: TrialConfig) -> RowSplits:
    """The rows of a config: read, deduplicated and split.

    Raises:
        DataError: A column is missing, a label is empty, or a class is too small to be split.
        ConfigError: The class of a task of the user's own cannot be used.
    """
    return load_splits(config, reading_of(config.task))


def read_examples(source: Any, config: TrialConfig) -> list[Example]:
    """Rows of a file, or as they were read, as the config's task sees them.

    Raises:
        DataError: A column is missing, a label is empty, or there are no rows; the message names the row.
        ConfigError: The class of a task of the user's own cannot be used.
    """
    return examples_of(source, config, reading_of(config.task))
