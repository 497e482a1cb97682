"""How the best score came about, trial by trial."""

from collections.abc import Sequence

from slimtune.sweeper.report_page.figures.figure import BLUE, COLOURS, SYMBOLS, Figure, with_score
from slimtune.sweeper.report_page.sweep_facts import SweepFacts
from slimtune.sweeper.study import TrialState
from slimtune.training.listed_names import counted


def history(facts: SweepFacts) -> Figure | None:
    """Scores in the order of the trials, with the best so far; None before there is one."""
    trials = with_score(facts.trials)
    if not trials:
        return None
    data = []
    for state in (TrialState.complete, TrialState.pruned):
        shown = [trial for trial in trials if trial.state is state]
        if shown:
            data.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": state.value,
                    "x": [trial.number for trial in shown],
                    "y": [trial.objective for trial in shown],
                    "marker": {"color": COLOURS[state], "symbol": SYMBOLS[state], "size": 8},
                    "hovertemplate": "trial %{x}: %{y}<extra></extra>",
                }
            )
    numbers, best = best_so_far(facts)
    if numbers:
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": "best so far",
                "x": numbers,
                "y": best,
                "line": {"shape": "hv", "color": BLUE, "width": 2},
            }
        )
    words = f"{counted(len(trials), 'trial has', 'trials have')} a score; no complete one yet."
    if numbers:
        since = first_with_best(numbers, best)
        words = f"The best {facts.metric} of a complete trial is {best[-1]:.4g}, since trial {since}."
    layout = {"xaxis": {"title": {"text": "trial"}}, "yaxis": {"title": {"text": facts.metric}}}
    return Figure("history", "Best score so far", words, data, layout)


def first_with_best(numbers: Sequence[int], best: Sequence[float]) -> int:
    """The trial that first had the best score of all, given what `best_so_far` gave; of one trial at least."""
    return next(number for number, value in zip(numbers, best, strict=True) if value == best[-1])


def best_so_far(facts: SweepFacts) -> tuple[list[int], list[float]]:
    """Numbers of the complete trials that keep the constraints, and the best score up to each."""
    numbers: list[int] = []
    best: list[float] = []
    better = max if facts.maximize else min
    for trial in sorted(facts.ranked(), key=lambda one: one.number):
        if trial.objective is not None:
            numbers.append(trial.number)
            best.append(better([*best[-1:], trial.objective]))
    return numbers, best
