"""Learning curves."""

from collections.abc import Sequence
from typing import Any

from slimtune.sweeper.report_page.figures.figure import COLOURS, SYMBOLS, Figure, plain_text
from slimtune.sweeper.report_page.sweep_facts import SweepFacts
from slimtune.sweeper.study import TrialRecord, TrialState
from slimtune.sweeper.study.analysis.early_endings import told_endings
from slimtune.training.listed_names import agreeing, counted

# more make no picture; the best ones are shown
MOST_CURVES = 150
# of a curve
MOST_POINTS = 40


def curves(facts: SweepFacts) -> Figure | None:
    """The objective over training examples, a line a trial; None where no trial reports while it trains."""
    known = [trial for trial in facts.in_leaderboard_order() if trial.intermediate]
    shown, best = known[:MOST_CURVES], facts.best()
    if not shown:
        return None
    data = [trace for state in TrialState if (trace := _lines(state, shown)) is not None]
    if best is not None and best.intermediate:
        data.append(_best_line(best))
    pruned = sum(trial.state is TrialState.pruned for trial in known)
    ended = [counted(pruned, "was pruned", "were pruned"), *filter(None, [told_endings(known)])]
    which = f" The best {MOST_CURVES} are drawn." if len(known) > MOST_CURVES else ""
    words = (
        f"{counted(len(known), 'trial')} reported {facts.metric} on validation while "
        f"{agreeing(len(known), 'it', 'they')} trained; {', '.join(ended)}."
    )
    layout = {"xaxis": {"title": {"text": "training examples"}}, "yaxis": {"title": {"text": plain_text(facts.metric)}}}
    return Figure("curves", "Learning curves", words + which, data, layout, height=420)


def _lines(state: TrialState, trials: Sequence[TrialRecord]) -> dict[str, Any] | None:
    """One trace for all trials of a state: a null parts two curves."""
    x: list[int | None] = []
    y: list[float | None] = []
    of: list[int | None] = []
    for trial in trials:
        if trial.state is state:
            steps = _thinned(sorted(trial.intermediate))
            x += [*steps, None]
            y += [*(trial.intermediate[step] for step in steps), None]
            of += [*(trial.number for _ in steps), None]
    if not x:
        return None
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": state.value,
        "x": x,
        "y": y,
        "customdata": of,
        "line": {"color": COLOURS[state], "width": 1},
        "marker": {"size": 5, "symbol": SYMBOLS[state]},
        "opacity": 0.65,
        "hovertemplate": "trial %{customdata}, %{x} examples: %{y}<extra></extra>",
    }


def _best_line(best: TrialRecord) -> dict[str, Any]:
    steps = _thinned(sorted(best.intermediate))
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": f"trial {best.number}, the best",
        "x": steps,
        "y": [best.intermediate[step] for step in steps],
        "line": {"color": COLOURS[best.state], "width": 4},
        "marker": {"size": 8},
        "hovertemplate": f"trial {best.number}, %{{x}} examples: %{{y}}<extra></extra>",
    }


def _thinned(steps: Sequence[int]) -> list[int]:
    """At most `MOST_POINTS` of them, the first and the last among these."""
    if len(steps) <= MOST_POINTS:
        return list(steps)
    places = [round(at * (len(steps) - 1) / (MOST_POINTS - 1)) for at in range(MOST_POINTS)]
    return [steps[place] for place in places]
