"""Trials from a source to their outcomes: what a worker is."""

from slimtune.training.distributed.process_group import ProcessGroup
from slimtune.training.engine.engine import Engine, GivenTrials
from slimtune.training.engine.slot_calibration import SlotDecision
from slimtune.training.trial import Outcome, Trial, TrialSource
from slimtune.training.workbench.workbench import Workbenches
from slimtune.training.worker.rank_launcher import launch_ranks

ONE_SLOT = SlotDecision(1, None)


def run_trials(source: TrialSource, benches: Workbenches | None = None) -> None:
    """Run trials until the source has no more; `benches` keeps what they share for the next call."""
    Engine(source, launch_ranks=launch_ranks, benches=benches).run()


def run_trial(trial: Trial, benches: Workbenches | None = None) -> Outcome:
    """Run one trial, track it, and tell its outcome to whoever gave it."""
    engine = Engine(GivenTrials([trial]), decision=ONE_SLOT, launch_ranks=launch_ranks, benches=benches)
    engine.run()
    assert engine.last_outcome is not None
    return engine.last_outcome


def run_as_leader(trial: Trial, group: ProcessGroup, *, num_workers: int) -> None:
    """Run one trial in this process, as the rank that leads the others."""
    Engine(GivenTrials([trial], num_workers=num_workers), decision=ONE_SLOT, group=group).run()
