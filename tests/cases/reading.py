"""Configs and rows for the cases that are about reading."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slimtune.training.config.trial import TrialConfig, parse_trial
from slimtune.training.data.splits import RowSplits
from slimtune.training.tasks.rows import read_splits

ConfigOf = Callable[..., dict[str, Any]]
GENERATION = ("task=generation", "data.text_column=input", "data.target_column=output")


# composing takes longer than reading
_composed: dict[tuple[str, ...], dict[str, Any]] = {}


def trial_of(config_of: ConfigOf, file: Path, *overrides: str) -> TrialConfig:
    """The config of a trial on a file."""
    if overrides not in _composed:
        _composed[overrides] = config_of(*overrides)
    values = copy.deepcopy(_composed[overrides])
    values["data"]["train_file"] = str(file)
    config: TrialConfig = parse_trial(values).section
    return config


def splits_of(config_of: ConfigOf, file: Path, *overrides: str) -> RowSplits:
    """The rows of a file, read and split."""
    return read_splits(trial_of(config_of, file, *overrides))


def rows_in(splits: RowSplits) -> int:
    """Rows of all splits."""
    return sum(map(len, splits.named().values()))
