"""The finalists over their seeds."""

from collections.abc import Sequence
from statistics import fmean, stdev
from typing import NamedTuple

from slimtune.sweeper.report_page.figures.figure import AMBER, BLUE, Figure, plain_text
from slimtune.sweeper.report_page.sweep_facts import OF_TRIAL, SweepFacts
from slimtune.sweeper.study import TrialState


class Seeded(NamedTuple):
    """A finalist.

    Attributes:
        number: Its trial.
        scores: The trial's own first, then those of its reruns that completed.
        failed: Reruns that did not.
    """

    number: int
    scores: Sequence[float]
    failed: int

    @property
    def mean(self) -> float:
        """Over its seeds."""
        return fmean(self.scores)

    @property
    def spread(self) -> float | None:
        """Standard deviation over its seeds; None for one."""
        return stdev(self.scores) if len(self.scores) > 1 else None


def seeded(facts: SweepFacts) -> list[Seeded]:
    """Trials that were rerun, the best mean first."""
    by_trial: dict[int, list[float]] = {}
    failed: dict[int, int] = {}
    for rerun in facts.reruns:
        number = rerun.attrs.get(OF_TRIAL)
        if not isinstance(number, int):
            continue
        by_trial.setdefault(number, [])
        if rerun.state is TrialState.complete and rerun.objective is not None:
            by_trial[number].append(rerun.objective)
        elif rerun.state in (TrialState.failed, TrialState.pruned):
            failed[number] = failed.get(number, 0) + 1
    own = {trial.number: trial.objective for trial in facts.trials}
    found = [
        Seeded(number, [score, *scores], failed.get(number, 0))
        for number, scores in by_trial.items()
        if (score := own.get(number)) is not None
    ]
    return sorted(found, key=lambda one: (-one.mean if facts.maximize else one.mean, one.number))


def seeds(facts: SweepFacts, found: Sequence[Seeded]) -> Figure | None:
    """A column a finalist: each seed's score, mean and standard deviation; None before reruns."""
    if not any(len(one.scores) > 1 for one in found):
        return None
    names = {one.number: f"trial {one.number}" for one in found}
    each = {
        "type": "scatter",
        "mode": "markers",
        "name": "a seed",
        "x": [names[one.number] for one in found for _ in one.scores],
        "y": [score for one in found for score in one.scores],
        "marker": {"color": AMBER, "symbol": "circle-open", "size": 9, "line": {"width": 2}},
        "hovertemplate": "%{x}: %{y}<extra></extra>",
    }
    means = {
        "type": "scatter",
        "mode": "markers",
        "name": "mean and standard deviation",
        "x": list(names.values()),
        "y": [one.mean for one in found],
        "error_y": {"type": "data", "array": [one.spread or 0.0 for one in found]},
        "marker": {"color": BLUE, "size": 11, "symbol": "diamond"},
        "hovertemplate": "%{x}: mean %{y}<extra></extra>",
    }
    words = (
        f"The best trials again with fresh seeds, {facts.metric} on validation: the trial's own score is one of its "
        "seeds. The best mean is chosen, not the best score."
    )
    layout = {
        "xaxis": {"type": "category", "range": [-0.5, len(found) - 0.5]},
        "yaxis": {"title": {"text": plain_text(facts.metric)}},
    }
    return Figure("seeds", "Reruns under fresh seeds", words, [each, means], layout, height=360)
