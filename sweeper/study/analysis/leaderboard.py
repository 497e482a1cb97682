"""All trials of a study in the order in which people read them."""

from collections.abc import Sequence

from slimtune.sweeper.goals.goals import Goals
from slimtune.sweeper.study.record import TrialRecord, TrialState, in_order

ORDER = (TrialState.complete, TrialState.running, TrialState.pruned, TrialState.failed, TrialState.waiting)


def leaderboard_order(trials: Sequence[TrialRecord], goals: Goals) -> list[TrialRecord]:
    """Complete trials that keep the constraints, the best first; then the others by state and last score.

    Args:
        trials: In any order.
        goals: What is made best; of several, others than complete ones are told by the first.
    """
    ranked = in_order(trials, goals)
    known = {trial.number for trial in ranked}
    sign, worst = (-1.0 if goals.objectives[0].maximize else 1.0), float("inf")

    def place(trial: TrialRecord) -> tuple[int, float, int]:
        at_last = worst if trial.objective is None else sign * trial.objective
        return ORDER.index(trial.state), at_last, trial.number

    return [*ranked, *sorted((trial for trial in trials if trial.number not in known), key=place)]
