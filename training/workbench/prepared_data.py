"""The data of a config: rows that are read once a process, and encoded for the model."""

import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

from transformers import PreTrainedModel

from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.batching import EncodedSplit
from slimtune.training.data.encoding import Encoded, Recipe, encode
from slimtune.training.data.examples import Example
from slimtune.training.data.kept.kept_rows import KeptRows, keep_rows, load_rows
from slimtune.training.data.kept.source_digest import rows_digest, rows_key, source_digest
from slimtune.training.data.splits import RowSplits, rows_content_digest
from slimtune.training.errors import DataError
from slimtune.training.models.from_config import with_model
from slimtune.training.models.loading import check_model, load_tokenizer
from slimtune.training.models.weights import LoadedWeights
from slimtune.training.stages import told_stage
from slimtune.training.tasks import Task, task_of
from slimtune.training.tasks.rows import read_splits
from slimtune.training.usual_places import home_path
from slimtune.training.writable_folder import check_writable

# of the cache
ROWS_FOLDER, ENCODED_FOLDER = "rows", "encoded"

log = logging.getLogger(__name__)


class ReadRows:
    """Rows as this process has read, deduplicated and split them; those read last are kept.

    It is handed on to whoever needs the same rows. Another process finds many rows in the cache, and reads few anew.

    Args:
        key: Of the config whose rows were read.
        kept: Where they lie, if they were kept.
    """

    def __init__(self, key: str | None = None, kept: KeptRows | None = None) -> None:
        self._key, self._kept = key, kept
        self._rows = None if kept is None else load_rows(kept)

    def __reduce__(self) -> tuple[type["ReadRows"], tuple[str | None, KeptRows | None]]:
        return ReadRows, (self._key, self._kept) if self._kept is not None else (None, None)

    @classmethod
    def holding(cls, rows: RowSplits, config: TrialConfig) -> "ReadRows":
        """Rows that were read otherwise, as those of a config."""
        held = cls()
        held._rows, held._key = rows, rows_key(config)
        return held

    def known(self, config: TrialConfig) -> RowSplits | None:
        """The rows of a config, if they were read last."""
        return self._rows if self._key == rows_key(config) else None

    def release(self) -> None:
        """Forget rows that lie in the cache: who asks for them again has them from there."""
        if self._kept is not None:
            self._rows = load_rows(self._kept)

    def of(self, config: TrialConfig) -> RowSplits:
        """The rows of a config.

        Raises:
            DataError: A column is missing, a label is empty, or a class is too small to be split.
        """
        key = rows_key(config)
        if self._rows is None or self._key != key:
            # the old ones go before the new ones come
            self._rows = self._kept = None
            self._rows, self._kept = _read_or_kept(config)
            self._key = key
        return self._rows


def _read_or_kept(config: TrialConfig) -> tuple[RowSplits, KeptRows | None]:
    """The rows of a config, read or as an earlier command kept them, and where they lie now."""
    cache_dir = home_path(config.data.cache_dir)
    digest = source_digest(config)
    kept = None if digest is None else KeptRows(cache_dir / ROWS_FOLDER, digest)
    if kept is not None and (found := load_rows(kept)) is not None:
        return found, kept
    rows = read_splits(config)
    if digest is not None and not _is_still(digest, config):
        log.warning("rows: not kept, a file was written while it was read")
        return rows, None
    # what only reading tells apart is known by what was read
    kept = kept or KeptRows(cache_dir / ROWS_FOLDER, rows_digest(config, rows))
    try:
        with told_stage("keeps the rows in the cache", sum(map(len, rows.named().values()))):
            is_kept = keep_rows(rows, kept)
    except OSError:
        check_writable(cache_dir, "data.cache_dir")
        raise
    return rows, kept if is_kept else None


def _is_still(digest: str, config: TrialConfig) -> bool:
    """Whether the files are those that the digest is of."""
    try:
        return source_digest(config) == digest
    except DataError:
        # one is gone
        return False


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
        name: task.split(
            examples, _encoding_of(rows.digests[name], examples, task, tokenizer, config=config), name=name
        )
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
    encoded = _encoding_of(rows_content_digest(examples), examples, task, tokenizer, config=config)
    return task.split(examples, encoded, name=name)


def _encoding_of(
    digest: str, examples: Sequence[Example], task: Task, tokenizer: Any, *, config: TrialConfig
) -> Encoded:
    recipe = Recipe(task.settings(), lambda: task.encode(examples, tokenizer), len(examples))
    cache_dir = home_path(config.data.cache_dir)
    try:
        return encode(digest, tokenizer, recipe, cache_dir=cache_dir / ENCODED_FOLDER)
    except OSError:
        check_writable(cache_dir, "data.cache_dir")
        raise
