"""Slices: the score over each parameter alone."""

from collections.abc import Sequence
from typing import Any

from slimtune.sweeper.report_page.figures.figure import (
    COLOURS,
    SYMBOLS,
    Figure,
    axis,
    on_axis,
    plain_text,
    short_names,
    with_score,
)
from slimtune.sweeper.report_page.sweep_facts import SweepFacts
from slimtune.sweeper.study import TrialState
from slimtune.training.listed_names import counted

MOST_SLICES, IN_A_ROW = 9, 3
GAP = 0.05
# pixels of a row
ROW = 260


def slices(facts: SweepFacts, keys: Sequence[str]) -> Figure | None:
    """One small picture a parameter; None without trials.

    Args:
        facts: The sweep.
        keys: Of the parameters, the most important first.
    """
    trials, shown = with_score(facts.trials), list(keys[:MOST_SLICES])
    if not trials or not shown:
        return None
    names = short_names(shown)
    rows = -(-len(shown) // IN_A_ROW)
    data, layout = [], {}
    for at, key in enumerate(shown):
        end = "" if at == 0 else str(at + 1)
        for state in (TrialState.complete, TrialState.pruned):
            those = [trial for trial in trials if trial.state is state and key in trial.params]
            data.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": state.value,
                    "legendgroup": state.value,
                    "showlegend": at == 0,
                    "x": [on_axis(trial.params[key], facts.dimensions.get(key)) for trial in those],
                    "y": [trial.objective for trial in those],
                    "customdata": [trial.number for trial in those],
                    "marker": {"color": COLOURS[state], "symbol": SYMBOLS[state], "size": 7},
                    "xaxis": f"x{end}",
                    "yaxis": f"y{end}",
                    "hovertemplate": "trial %{customdata}: %{y} at %{x}<extra></extra>",
                }
            )
        layout[f"xaxis{end}"] = {**axis(plain_text(names[key]), facts.dimensions.get(key)), **_place(at, rows)["x"]}
        layout[f"yaxis{end}"] = _y_axis(facts, at, rows)
        layout[f"xaxis{end}"]["anchor"], layout[f"yaxis{end}"]["anchor"] = f"y{end}", f"x{end}"
    left = f" The {MOST_SLICES} most important of {len(keys)} are drawn." if len(keys) > MOST_SLICES else ""
    words = f"{facts.metric} over each parameter, whatever the others were: {counted(len(trials), 'trial')}.{left}"
    return Figure("slices", "Slices", words, data, layout, height=70 + ROW * rows)


def _y_axis(facts: SweepFacts, at: int, rows: int) -> dict[str, Any]:
    found: dict[str, Any] = {**_place(at, rows)["y"]}
    if at % IN_A_ROW:
        found["showticklabels"] = False
    else:
        found["title"] = {"text": plain_text(facts.metric)}
    if at:
        found["matches"] = "y"
    return found


def _place(at: int, rows: int) -> dict[str, dict[str, Any]]:
    row, column = divmod(at, IN_A_ROW)
    width = (1 - GAP * (IN_A_ROW - 1)) / IN_A_ROW
    gap = 0.24 / rows if rows > 1 else 0.0
    height = (1 - gap * (rows - 1)) / rows
    left, bottom = column * (width + GAP), 1 - (row + 1) * height - row * gap
    return {"x": {"domain": [left, left + width]}, "y": {"domain": [max(0.0, bottom), bottom + height]}}
