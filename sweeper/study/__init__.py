"""The door to Optuna: the shared record of a sweep, its samplers and pruners, and who is alive."""

from slimtune.sweeper.study.lease import Lease
from slimtune.sweeper.study.record import TrialRecord, TrialState
from slimtune.sweeper.study.study import Asked, Study, StudySpec, load_study_attrs, load_study_trials

__all__ = ["Asked", "Lease", "Study", "StudySpec", "TrialRecord", "TrialState", "load_study_attrs", "load_study_trials"]
