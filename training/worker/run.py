"""Trials from a source to their outcomes: what a worker is."""

from slimtune.training.distributed.process_group import Ranks
from slimtune.training.engine.engine import Engine, GivenTrials
from slimtune.training.engine.slot_calibration import Decision
from slimtune.training.trial import Outcome, Trial, TrialSource
from slimtune.training.worker.rank_launcher import conduct

ONE_SLOT = Decision(1, None)


def run_trials(source: TrialSource) -> None:
    """Run trials until the source has no more."""
    Engine(source, conduct=conduct).run()


def run_trial(trial: Trial) -> Outcome:
    """Run one trial, track it, and tell its outcome to whoever gave it."""
    engine = Engine(GivenTrials([trial]), decision=ONE_SLOT, conduct=conduct)
    engine.run()
    assert engine.last_outcome is not None
    return engine.last_outcome


def run_as_leader(trial: Trial, ranks: Ranks) -> None:
    """Run one trial in this process, as the rank that leads the others."""
    Engine(GivenTrials([trial]), decision=ONE_SLOT, ranks=ranks).run()
