"""The folder in which an interrupted trial is gone on with: its own, so that no second one lies beside it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slimtune.training.checkpoints.attempt import left_attempts


def resumed_folder(values: Mapping[str, Any], folder: Path) -> Path:
    """Where the trial runs: where it was interrupted, else the folder that was meant for it.

    Args:
        values: The composed config.
        folder: The one that was meant, named by the time.
    """
    with left_attempts(values, folder) as left:
        return left[0].folder if left else folder
