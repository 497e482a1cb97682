"""All that knows Optuna: the shared record of a sweep, its samplers and pruners, and who is alive."""

from slimtune.sweeper.study.lease import Lease
from slimtune.sweeper.study.loaded import load_study_attrs, load_study_trials
from slimtune.sweeper.study.record import TrialRecord, TrialState
from slimtune.sweeper.study.spec import StudySpec
from slimtune.sweeper.study.study import AskedTrial, Study

__all__ = [
    "AskedTrial",
    "Lease",
    "Study",
    "StudySpec",
    "TrialRecord",
    "TrialState",
    "load_study_attrs",
    "load_study_trials",
]
