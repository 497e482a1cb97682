"""What a launching process says and does when somebody wants the sweep to stop."""

from slimtune.sweeper.study import Study, TrialState
from slimtune.sweeper.study.record import RETRY_OF
from slimtune.training.errors import SweepStopped
from slimtune.training.listed_names import counted, told_ended


def check_stop(study: Study) -> None:
    """End here if the sweep is to stop.

    Raises:
        SweepStopped: It is; how far it has come, and how it is resumed.
    """
    request = study.roster.stop_request()
    if request is None:
        return
    study.free_lost()
    shown = study.shown()
    ended = sum(trial.finished for trial in shown)
    kept = sum(trial.state is TrialState.waiting and RETRY_OF in trial.attrs for trial in shown)
    name = study.spec.name.partition("/")[0]
    saved = counted(kept, "waits with what it has saved", "wait with what they have saved")
    waiting = f", {saved}" if kept else ""
    raise SweepStopped(
        f"the sweep '{name}' was stopped by {request.by}: {told_ended(ended, study.spec.n_trials)}{waiting}; "
        "the same command resumes it"
    )
