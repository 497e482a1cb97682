"""What a sweep that has ended chose: the checkpoint that it tested once and exported."""

from pathlib import Path
from typing import NamedTuple

from slimtune.training.errors import StoreError

STUDY = "study.db"
# the stage that notes the winner's best run; `tuning_run.py` writes it, whether or not there is an export
CHOSEN = "test"
# `reporting/parent_run.py` notes it; that module imports torch
PARENT = "parent_run_id"


class Ended(NamedTuple):
    """Attributes:
    name: The sweep's.
    checkpoint: Of the winner's best run.
    run_id: Of the sweep's own run in the tracker; None without a tracker.
    """

    name: str
    checkpoint: Path
    run_id: str | None


def find_sweep(given: str, *, outputs: Path, storage: str | None) -> Ended | None:
    """The choice of a sweep, by its name or its folder; None if nothing of that name is a sweep.

    Args:
        given: A name, or the folder of a sweep.
        outputs: Where the folders of sweeps lie.
        storage: URL of the study, if `search.storage` was set; then what is given is a name.

    Raises:
        StoreError: The sweep has not ended, or its checkpoint is gone.
    """
    folder = Path(given).expanduser()
    if not (folder / STUDY).is_file():
        if folder.is_dir() and storage is None:
            return None
        folder = outputs / given
    if storage is None:
        if not (folder / STUDY).is_file():
            return None
        storage = f"sqlite:///{(folder / STUDY).absolute()}"
    return _ended(folder.absolute(), storage)


def _ended(folder: Path, storage: str) -> Ended:
    from slimtune.sweeper.study import TrialState, load_study_attrs, load_study_trials

    name = folder.name
    attrs = load_study_attrs(storage, name)
    chosen = attrs.get(CHOSEN)
    trials = load_study_trials(storage, name).trials
    open_states = (TrialState.running, TrialState.waiting)
    if chosen is None or any(trial.state in open_states for trial in trials):
        raise StoreError(
            f"the sweep '{name}' has not ended, so it has chosen no model; give the command that began it again, and "
            f"it goes on, or export one of its trials, e.g. --run {folder / 'trials' / '0'}"
        )
    return Ended(name, _there(Path(chosen["key"]), folder), attrs.get(PARENT))


def _there(checkpoint: Path, folder: Path) -> Path:
    """The checkpoint where it was, or in the folder of a sweep that was moved."""
    moved = folder.joinpath(*checkpoint.parts[-3:])
    for path in (checkpoint, moved):
        if path.is_dir():
            return path
    raise StoreError(f"the sweep '{folder.name}' chose {checkpoint}, which is gone; bring it back, or run it again")
