"""The data of a config: rows that are read once a process, and encoded for the model."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from transformers import PreTrainedModel

from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.batching import EncodedSplit
from slimtune.training.data.encoding import Recipe, encode
from slimtune.training.data.examples import Example
from slimtune.training.data.splits import RowSplits
from slimtune.training.models.from_config import with_model
from slimtune.training.models.loading import check_model, load_tokenizer
from slimtune.training.models.weights import LoadedWeights
from slimtune.training.tasks import Task, task_of
from slimtune.training.tasks.rows import read_splits
from slimtune.training.writable_folder import check_writable

# keys of the section `data` that say nothing of which rows there are
SILENT_KEYS = ("max_length", "cache_dir")


class ReadRows:
    """Rows as this process has read, deduplicated and split them; those read last are kept.

    It is handed on to whoever needs the same rows. In another process it begins empty.
    """

    def __init__(self) -> None:
        self._key: str | None = None
        self._rows: RowSplits | None = None

    def __reduce__(self) -> tuple[type["ReadRows"], tuple[()]]:
        return ReadRows, ()

    @classmethod
    def holding(cls, rows: RowSplits, config: TrialConfig) -> "ReadRows":
        """Rows that were read otherwise, as those of a config."""
        held = cls()
        held._rows, held._key = rows, _rows_key(config)
        return held

    def known(self, config: TrialConfig) -> RowSplits | None:
        """The rows of a config, if they were read last."""
        return self._rows if self._key == _rows_key(config) else None

    def of(self, config: TrialConfig) -> RowSplits:
        """The rows of a config.

        Raises:
            DataError: A column is missing, a label is empty, or a class is too small to be split.
        """
        key = _rows_key(config)
        if self._rows is None or self._key != key:
            self._rows, self._key = read_splits(config), key
        return self._rows


class PreparedData(NamedTuple):
    """What trials learn from.

    Attributes:
        config: The trial's, with a folder to load the model from.
        task: The task with its labels.
        model: Without its weights.
        weights: What is new in it, and what of its files is not used.
        tokenizer: The checkpoint's.
        rows: As they were read.
        encoded: `train`, `validation` and, if there are such rows, `test`.
    """

    config: TrialConfig
    task: Task
    model: PreTrainedModel
    weights: LoadedWeights
    tokenizer: Any
    rows: RowSplits
    encoded: dict[str, EncodedSplit]


def prepare_data(config: TrialConfig, read: ReadRows | None = None) -> PreparedData:
    """Read, split and encode the data of a config; what was encoded before is loaded.

    Args:
        config: The trial's.
        read: Rows that were read before.

    Raises:
        UserError: Data, labels or model cannot be used.
    """
    rows = (read or ReadRows()).of(config)
    config = with_model(config, rows.train)
    task = task_of(config, rows.train, split_off=rows.split_off)
    model, weights = check_model(config.model, task)
    tokenizer = load_tokenizer(config.model)
    encoded = {
        name: encoded_split(examples, task, tokenizer, config=config, name=name)
        for name, examples in rows.named().items()
        if examples
    }
    return PreparedData(config, task, model, weights, tokenizer, rows, encoded)


def encoded_split(
    examples: Sequence[Example], task: Task, tokenizer: Any, *, config: TrialConfig, name: str
) -> EncodedSplit:
    """Rows of a split, encoded and with their labels; what was encoded before is loaded.

    Raises:
        DataError: A label does not occur in training.
    """
    recipe = Recipe(task.settings(), lambda: task.encode(examples, tokenizer))
    cache_dir = Path(config.data.cache_dir).expanduser()
    contents = (example.content() for example in examples)
    try:
        encoded = encode(contents, tokenizer, recipe, cache_dir=cache_dir / "encoded")
    except OSError:
        check_writable(cache_dir, "data.cache_dir")
        raise
    return task.split(examples, encoded, name=name)


def _rows_key(config: TrialConfig) -> str:
    data = {key: value for key, value in asdict(config.data).items() if key not in SILENT_KEYS}
    return json.dumps([asdict(config.task), data], default=str, sort_keys=True)
