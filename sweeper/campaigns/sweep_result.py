"""What a whole sweep gives to the Python code that ran it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple


class SweepResult(NamedTuple):
    """The winner of a sweep, and what was made of it.

    Attributes:
        trial: Number of the winner's trial.
        params: Its sampled values, by config key.
        score: Mean of `task.metric` over its seeds, on validation.
        checkpoint: Folder of its best run's checkpoint.
        bundle: Folder of the exported bundle; None with `export=none`.
        registered: `models:/<name>/<version>`; None without an export or a tracker.
    """

    trial: int
    params: Mapping[str, Any]
    score: float
    checkpoint: Path
    bundle: Path | None
    registered: str | None
