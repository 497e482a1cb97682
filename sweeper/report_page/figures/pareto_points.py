"""The Pareto front: of two objectives, or of the score and the time that it took."""

from collections.abc import Sequence
from typing import NamedTuple

from slimtune.sweeper.goals.pareto import pareto_front
from slimtune.sweeper.report_page.figures.figure import BLUE, GREY, RED, Figure, plain_text
from slimtune.sweeper.report_page.sweep_facts import SweepFacts
from slimtune.sweeper.study import TrialRecord, TrialState

TIME = "seconds"


class Point(NamedTuple):
    """A complete trial by two numbers."""

    trial: TrialRecord
    x: float
    y: float


def pareto_points(facts: SweepFacts) -> Figure | None:
    """Complete trials, the front joined by a line; None before there is one."""
    points = _points(facts)
    if not points:
        return None
    up, across, front = facts.goals.objectives[0], _across(facts), _front(facts, points)
    chosen = (facts.winner() or {}).get("trial")
    y_name = facts.metric if not facts.goals.several else up.name
    data = [
        _trace("complete", [one for one in points if one.trial.is_feasible], GREY, "markers"),
        _trace("breaks a constraint", [one for one in points if not one.trial.is_feasible], RED, "markers"),
        _trace("Pareto front", sorted(front, key=lambda one: one.x), BLUE, "lines+markers"),
        _trace("chosen", [one for one in points if one.trial.number == chosen], BLUE, "markers", size=16),
    ]
    words = (
        f"{len(front)} of {len(points)} complete trials are on the front: no other trial is better in both {y_name} "
        f"and {across}."
    )
    if len(facts.goals.objectives) > 2:
        words += " The sweep has more objectives than the two that are drawn; the front here is of all."
    layout = {"xaxis": {"title": {"text": plain_text(across)}}, "yaxis": {"title": {"text": plain_text(y_name)}}}
    return Figure("pareto", "Pareto front", words, [one for one in data if one["x"]], layout)


def _across(facts: SweepFacts) -> str:
    return facts.goals.objectives[1].name if facts.goals.several else f"{TIME} of training"


def _points(facts: SweepFacts) -> list[Point]:
    complete = [trial for trial in facts.trials if trial.state is TrialState.complete and trial.values]
    if facts.goals.several:
        return [Point(trial, trial.values[1], trial.values[0]) for trial in complete]
    return [Point(trial, trial.seconds, trial.values[0]) for trial in complete if trial.seconds is not None]


def _front(facts: SweepFacts, points: Sequence[Point]) -> list[Point]:
    if facts.goals.several:
        numbers = {trial.number for trial in facts.pareto()}
        return [one for one in points if one.trial.number in numbers]
    kept = [one for one in points if one.trial.is_feasible]
    up = facts.goals.objectives[0]
    return [kept[at] for at in pareto_front([(up.loss(one.y), one.x) for one in kept])]


def _trace(name: str, points: Sequence[Point], colour: str, mode: str, *, size: int = 8) -> dict[str, object]:
    ring = {"symbol": "circle-open", "line": {"width": 3}} if size > 8 else {}
    return {
        "type": "scatter",
        "mode": mode,
        "name": name,
        "x": [one.x for one in points],
        "y": [one.y for one in points],
        "customdata": [one.trial.number for one in points],
        "marker": {"color": colour, "size": size, **ring},
        "hovertemplate": "trial %{customdata}: %{y} at %{x}<extra></extra>",
    }
