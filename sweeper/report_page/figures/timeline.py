"""When each trial ran."""

from datetime import UTC, datetime

from slimtune.sweeper.report_page.figures.figure import COLOURS, Figure
from slimtune.sweeper.report_page.sweep_facts import SweepFacts
from slimtune.sweeper.study import TrialState
from slimtune.training.listed_names import counted


def timeline(facts: SweepFacts) -> Figure | None:
    """A bar a trial from the beginning of its last attempt to its end; None before one has begun."""
    begun = [trial for trial in facts.trials if trial.started is not None and trial.seconds is not None]
    if not begun:
        return None
    first = min(trial.started for trial in begun if trial.started is not None)
    data = []
    for state in TrialState:
        those = [trial for trial in begun if trial.state is state]
        if those:
            data.append(
                {
                    "type": "bar",
                    "orientation": "h",
                    "name": state.value,
                    "y": [trial.number for trial in those],
                    "base": [_minutes(trial.started or first, first) for trial in those],
                    "x": [(trial.attempt_seconds or 0.0) / 60 for trial in those],
                    "marker": {"color": COLOURS[state]},
                    "hovertemplate": "trial %{y}: %{x:.1f} minutes<extra></extra>",
                }
            )
    layout = {
        "barmode": "overlay",
        "xaxis": {"title": {"text": "minutes since the first trial began"}},
        "yaxis": {"title": {"text": "trial"}, "autorange": "reversed"},
    }
    words = f"{counted(len(begun), 'trial')}, from {first:%Y-%m-%d %H:%M} on."
    return Figure("timeline", "When each trial ran", words, data, layout, height=min(700, 180 + 8 * len(begun)))


def _minutes(at: datetime, first: datetime) -> float:
    zone = UTC if at.tzinfo else None
    return (at.replace(tzinfo=zone) - first.replace(tzinfo=zone)).total_seconds() / 60
