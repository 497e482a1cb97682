"""Which of the finalists wins, by objectives and constraints over fresh seeds."""

from collections.abc import Sequence

from slimtune.sweeper.campaigns.selection.reruns import best_finalist, best_of
from slimtune.sweeper.finalist import Finalist, Run
from slimtune.sweeper.goals.goals import Goals
from slimtune.sweeper.goals.pareto import anchors, preferred, spans_of
from slimtune.sweeper.study import TrialRecord
from slimtune.sweeper.study.record import complete_of, losses_of, pareto_set
from slimtune.training.errors import StoreError


def to_rerun(
    trials: Sequence[TrialRecord], ranked: Sequence[TrialRecord], goals: Goals, number: int
) -> list[TrialRecord]:
    """The best trials; with the one that is picked come those that `search.pick` measures it by.

    Args:
        trials: All of them.
        ranked: Those that may win, the best first.
        goals: What is better.
        number: How many at most.
    """
    if not goals.several or not ranked:
        return best_of(ranked, number)
    front = pareto_set(trials, goals)
    beside = [front[place] for place in anchors(losses_of(front, goals), goals)]
    return best_of([ranked[0], *beside, *ranked[1:]], number)


def choose_winner(finalists: Sequence[Finalist], trials: Sequence[TrialRecord], goals: Goals) -> Finalist:
    """The winner: the best by the means over seeds, of those that keep the constraints by them.

    Raises:
        StoreError: There is none.
    """
    if not goals.several and not goals.constraints:
        return best_finalist(finalists, maximize=goals.objectives[0].maximize)
    kept = [one for one in finalists if not goals.broken(one.means(goals.names))]
    if finalists and not kept:
        told = "; ".join(f"trial {one.number}: {', '.join(goals.broken(one.means(goals.names)))}" for one in finalists)
        raise StoreError(
            f"over fresh seeds no finalist keeps the constraints ({told}); raise search.finalists or search.n_trials "
            "and give the same command again"
        )
    if not goals.several:
        return best_finalist(kept, maximize=goals.objectives[0].maximize)
    num_runs = max((len(one.runs) for one in kept), default=0)
    whole = sorted((one for one in kept if len(one.runs) == num_runs), key=lambda one: one.number)
    if not whole:
        return best_finalist(whole, maximize=True)
    means = [goals.losses([*one.means([goal.name for goal in goals.objectives]).values()]) for one in whole]
    # distances to the best of all are those in the whole Pareto set
    front = losses_of(pareto_set(trials, goals), goals)
    spans = spans_of(front) if goals.pick.rule == "knee" else None
    return whole[preferred(means, goals, spans)[0]]


def exported_run(chosen: Finalist, goals: Goals) -> Run:
    """The run of the winner that is exported: the best one, of those that keep the constraints; the first of equals."""
    if not goals.several and not goals.constraints:
        return chosen.best_run(maximize=goals.objectives[0].maximize)
    kept = [run for run in chosen.runs if not goals.broken(run.measured)] or list(chosen.runs)
    return min(kept, key=lambda run: goals.losses([run.measured[one.name] for one in goals.objectives]))


def exported_told(chosen: Finalist, run: Run, goals: Goals) -> str | None:
    """Which of the winner's runs is its model from here on, in a sentence; None where it has only one."""
    if len(chosen.runs) == 1:
        return None
    by = "is best by search.objectives" if goals.several else f"has the best {goals.names[0]}"
    kept = " of those that keep search.constraints" if goals.constraints else ""
    return (
        f"its model: of the {len(chosen.runs)} runs of trial {chosen.number}, one a seed, the one that {by} "
        f"on validation{kept}, {run.score:z.4f}"
    )


def no_winner(trials: Sequence[TrialRecord], goals: Goals) -> str | None:
    """Why no trial may win; None if one may, or if none completed for other reasons."""
    broken = [trial for trial in trials if trial.excess]
    if not broken or complete_of(trials):
        return None
    nearest = min(broken, key=lambda trial: (sum(trial.excess.values()), trial.number))
    told = ", ".join(goals.broken(nearest.measured))
    return f"no trial keeps search.constraints; nearest is trial {nearest.number}: {told}; widen them, or the space"


def gate_notes(goals: Goals, metric: str) -> Sequence[str]:
    """What is said before the first trial where the registry's gate goes by something else than the search.

    Args:
        goals: Of the search.
        metric: `task.metric`, the one that a bundle's score is of.
    """
    names = [one.name for one in goals.objectives]
    if names == [metric]:
        return []
    picked = "; search.pick takes one trial for it" if goals.several else ""
    return [
        f"the search goes by {' and '.join(names)}{picked}; who becomes champion in the registry goes by task.metric "
        f"({metric}) alone"
    ]
