"""What a sweep that has ended chose: the checkpoint that it tested once and exported."""

import shlex
from pathlib import Path
from typing import NamedTuple

from slimtune.sweeper.finalist import lies_at, read_winner
from slimtune.sweeper.search_config import study_url
from slimtune.training.errors import StoreError
from slimtune.training.usual_places import STUDY_FILE, home_path


class FoundSweep(NamedTuple):
    """A sweep that has ended.

    Attributes:
        name: The sweep's.
        checkpoint: Of the winner's best run.
        run_id: Of the sweep's own run in the tracker; None without a tracker.
    """

    name: str
    checkpoint: Path
    run_id: str | None


def find_sweep(given: str, *, outputs: Path, storage: str | None) -> FoundSweep | None:
    """The choice of a sweep, by its name or its folder; None if nothing of that name is a sweep.

    Args:
        given: A name, or the folder of a sweep.
        outputs: Where the folders of sweeps lie.
        storage: URL of the study, if `search.storage` was set; then what is given is a name.

    Raises:
        StoreError: The sweep has not ended, or its checkpoint is gone.
    """
    folder = home_path(given)
    if not (folder / STUDY_FILE).is_file():
        if folder.is_dir() and storage is None:
            return None
        folder = outputs / given
    if storage is not None:
        return _found(folder.absolute(), storage, folder.name)
    if not (folder / STUDY_FILE).is_file():
        return None
    from slimtune.sweeper.study.loaded import study_name_in

    # a folder that was renamed has its study under the old name
    storage = study_url(folder)
    return _found(folder.absolute(), storage, study_name_in(storage, folder.absolute().name))


def _found(folder: Path, storage: str, name: str) -> FoundSweep:
    from slimtune.sweeper.study import TrialState, load_study_trials
    from slimtune.sweeper.study.record import PARENT_RUN, STOPPED, WINNER

    loaded = load_study_trials(storage, name)
    trials, attrs = loaded.trials, loaded.attrs
    # what waits when a rule has ended the search is not begun
    open_states = {TrialState.running} if attrs.get(STOPPED) else {TrialState.running, TrialState.waiting}
    winner = attrs.get(WINNER)
    if winner is None or any(trial.state in open_states for trial in trials):
        raise StoreError(
            f"the sweep '{name}' has not ended, so it has chosen no model; give the command that began it again "
            f"to resume it, or export one of its trials, e.g. --run {shlex.quote(str(folder / 'trials' / '0'))}"
        )
    return FoundSweep(name, _there(read_winner(winner).checkpoint, folder), attrs.get(PARENT_RUN))


def _there(checkpoint: Path, folder: Path) -> Path:
    """The checkpoint where it was, or in the folder of a sweep that was moved."""
    path = lies_at(checkpoint, folder)
    if path.is_dir():
        return path
    raise StoreError(f"the sweep '{folder.name}' chose {checkpoint}, which is gone; bring it back, or run it again")
