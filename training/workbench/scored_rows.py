"""Validation rows that a trial is scored on: all, or a sample of them while searching."""

import logging
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from slimtune.training.data.batching import EncodedSplit
from slimtune.training.data.examples import Example
from slimtune.training.workbench.prepared_data import PreparedData, encoded_split

log = logging.getLogger(__name__)

VALIDATION = "validation"


class ScoredRows(NamedTuple):
    """What takes the place of the whole split; both are empty where all rows are taken."""

    splits: dict[str, EncodedSplit]
    examples: dict[str, Sequence[Example]]


def scored_validation(data: PreparedData) -> ScoredRows:
    """The sample that `data.validation_rows` asks for: by `data.seed` the same rows for every trial."""
    most, every = data.config.data.validation_rows, data.rows.validation
    if most is None or most >= len(every):
        return ScoredRows({}, {})
    examples = list(every)
    rows = sampled_rows(len(examples), most, classes=data.task.stratify_by(examples), seed=data.config.data.seed)
    chosen = [examples[row] for row in rows]
    log.info("validation: %d of %d rows (data.validation_rows)", len(chosen), len(examples))
    split = encoded_split(chosen, data.task, data.tokenizer, config=data.config, name=VALIDATION)
    return ScoredRows({VALIDATION: split}, {VALIDATION: chosen})


def sampled_rows(num_rows: int, most: int, *, classes: Sequence[str] | None = None, seed: int = 0) -> list[int]:
    """At most so many of the rows, in ascending order; of each class its share, to a row.

    Args:
        num_rows: How many there are.
        most: How many to take.
        classes: The class of each row, where rows have one.
        seed: The same seed takes the same rows.
    """
    if most >= num_rows:
        return list(range(num_rows))
    order_N = np.random.default_rng(seed).permutation(num_rows)
    if classes is not None:
        # sorted by class, and within one as it was drawn: even steps take of each class its share
        names = {name: number for number, name in enumerate(sorted(set(classes)))}
        ids_N = np.array([names[name] for name in classes])
        order_N = order_N[np.argsort(ids_N[order_N], kind="stable")]
    steps = (np.arange(most) + 0.5) * num_rows / most
    return sorted(order_N[steps.astype(np.int64)].tolist())
