"""Training rows changed by a function of the user's own, each time that they come up: `fit.augment`."""

# N rows

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from slimtune.training.config.own_code import own_code, own_part, own_row
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.batching import EncodedSplit
from slimtune.training.data.examples import Example
from slimtune.training.errors import ConfigError, DataError
from slimtune.training.tasks import Task

KEY = "fit.augment"
# that are changed once before the first trial, to see whether they can be
TRIED_ROWS = 8


class Augmentation:
    """Changes rows, and encodes what came of them.

    What a row becomes depends on the row, the trial's seed, and the step that it is taken in: not on the rows beside
    it, on how a batch is taken apart, or on whether the trial was resumed. The function is given a copy, which it may
    change.
    """

    def __init__(self, config: TrialConfig, task: Task, tokenizer: Any) -> None:
        self._config, self._task, self._tokenizer = config, task, tokenizer
        settings: Mapping[str, Any] = config.fit.augment
        self._function: Callable[..., Any] = own_part(settings, KEY, "function of a row and a generator")
        self._said = f"{KEY}._target_ is '{settings['_target_']}', which"

    def changed(self, split: EncodedSplit, rows_N: np.ndarray, *, num_steps: int) -> EncodedSplit:
        """These rows of a split as the function gives them after so many steps, in their order.

        Raises:
            ConfigError: The function fails, or gives something that is no row, has no text, or cannot be read.
        """
        examples = [self._example(split.examples[int(row)], int(row), num_steps) for row in rows_N]
        try:
            found = self._task.split(examples, self._task.encode(examples, self._tokenizer), name="train")
        except DataError as error:
            raise ConfigError([f"{self._said} gives rows that cannot be learned ({error}); repair it"]) from error
        if len(found) != len(rows_N):
            raise ConfigError([f"{self._said} gives rows that are cut into several; let it give shorter texts"])
        return found

    def _example(self, example: Example, row: int, num_steps: int) -> Example:
        generator = np.random.default_rng([self._config.fit.seed, num_steps, row])
        with own_code(f"{self._said} is called with a row and a generator and"):
            given = self._function(own_row(example.row), generator)
        if not isinstance(given, Mapping):
            raise ConfigError([f"{self._said} gives {given!r:.80}; let it give the row, a mapping of column to value"])
        try:
            found = self._task.parse(dict(given), "a row", self._config)
        except DataError as error:
            raise ConfigError([f"{self._said} gives a row that cannot be read ({error}); repair it"]) from error
        if found is None:
            raise ConfigError([f"{self._said} gives a row without text, of {dict(example.row)!r:.80}; leave it some"])
        return found._replace(row=dict(given))


def check_augmentation(config: TrialConfig, task: Task, tokenizer: Any, train: EncodedSplit) -> None:
    """Whether the function changes rows of this task: it is tried on a few.

    Raises:
        ConfigError: It does not.
    """
    if len(train) != len(train.examples):
        raise ConfigError(
            [
                f"{KEY} is set, and rows of task={config.task.name} are cut into several, or put together: a row that "
                f"is changed would not be one again; use {KEY}=null, or a data.max_length that holds each row"
            ]
        )
    rows_N = np.arange(min(len(train), TRIED_ROWS))
    Augmentation(config, task, tokenizer).changed(train, rows_N, num_steps=0)
