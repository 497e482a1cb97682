"""The door to Optuna: the shared record of a sweep, its samplers and pruners, and who is alive."""

from sweeper.study.lease import Lease
from sweeper.study.record import TrialRecord, TrialState
from sweeper.study.study import Asked, Study, StudySpec, load_study_attrs, load_study_trials

__all__ = ["Asked", "Lease", "Study", "StudySpec", "TrialRecord", "TrialState", "load_study_attrs", "load_study_trials"]
