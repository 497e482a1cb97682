"""What a completed trial leaves beside its checkpoint, so that the same command tells its result again."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from slimtune.sweeper.campaigns.trial_folder.held import ANEW, held_in
from slimtune.training.atomic_files import write_json
from slimtune.training.broken_files import BROKEN, read_object
from slimtune.training.checkpoints.kinds import RECORD
from slimtune.training.errors import StoreError
from slimtune.training.listed_names import short_repr

RESULT = "result.json"


class TrainResult(NamedTuple):
    """What one trial without a search gave.

    Attributes:
        scores: `split/metric` at the best evaluation, and `objective`.
        checkpoint: Folder of the best checkpoint.
        run_id: Its run in the tracker; None without a tracker.
    """

    scores: Mapping[str, float]
    checkpoint: Path
    run_id: str | None

    def __repr__(self) -> str:
        """Its scores, and where they come from."""
        return short_repr("TrainResult", scores=dict(self.scores), checkpoint=self.checkpoint, run_id=self.run_id)


def write_result(folder: Path, result: TrainResult) -> None:
    """Note what a trial gave; its folder may be moved."""
    place = os.path.relpath(result.checkpoint, folder)
    write_json(folder / RESULT, {"scores": dict(result.scores), "checkpoint": place, "run_id": result.run_id})


def known_result(folder: Path) -> TrainResult | None:
    """What the trial in a folder gave; None where there is none, or it was interrupted.

    Raises:
        StoreError: There is a checkpoint of a trial that is not known to have completed.
    """
    held = held_in(folder)
    if held is None or held.is_interrupted:
        return None
    if (result := _noted(folder)) is None:
        why = "did not complete, or not by slimtune train"
        raise StoreError(f"{folder} holds a checkpoint of a trial that {why}; {ANEW}")
    return result


def _noted(folder: Path) -> TrainResult | None:
    """None if nothing whole was noted, or the checkpoint is gone."""
    try:
        noted = read_object(folder / RESULT)
        checkpoint = Path(os.path.normpath(folder / noted["checkpoint"]))
        result = TrainResult(dict(noted["scores"]), checkpoint, noted["run_id"])
    except BROKEN:
        return None
    return result if (checkpoint / RECORD).is_file() else None
