"""The score over the two most important parameters."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from slimtune.sweeper.report_page.figures.figure import Figure, axis, plain_text, short_names, text, with_score
from slimtune.sweeper.report_page.sweep_facts import SweepFacts
from slimtune.sweeper.space.dimension import Choice, Dimension
from slimtune.sweeper.study import TrialRecord, TrialState

MIN_TRIALS, ENOUGH_COMPLETE = 4, 8
# points of the grid, each way
GRID = 30
# as a share of a range: trials so far away have 3 fifths of the weight of those that are here
WIDTH = 0.1


class Side(NamedTuple):
    """A parameter as one side of the picture.

    Attributes:
        unit: Each trial's place in [0, 1].
        shown: The same as the axis shows it.
        grid_unit: Places of the grid.
        grid_shown: The same as the axis shows it.
    """

    unit: np.ndarray
    shown: list[float]
    grid_unit: np.ndarray
    grid_shown: list[float]


def contour(facts: SweepFacts, keys: Sequence[str], *, is_ranked: bool) -> Figure | None:
    """A coloured field between the trials, and the trials on it; None with fewer than `MIN_TRIALS` or one parameter.

    Args:
        facts: The sweep.
        keys: Of the parameters, the most important first.
        is_ranked: Whether their importance is known; else they are those that trials took first.
    """
    pair = list(keys[:2])
    known = [trial for trial in with_score(facts.trials) if all(key in trial.params for key in pair)]
    complete = [trial for trial in known if trial.state is TrialState.complete]
    # a pruned trial's last score is of less training: it stands in where there are no others
    trials = complete if len(complete) >= ENOUGH_COMPLETE else known
    if len(pair) < 2 or len(trials) < MIN_TRIALS:
        return None
    sides = [_side(trials, key, facts.dimensions.get(key)) for key in pair]
    scores = np.array([trial.objective for trial in trials], dtype=float)
    x, y = sides
    field = {
        "type": "contour",
        "x": x.grid_shown,
        "y": y.grid_shown,
        "z": _field(x, y, scores).tolist(),
        "colorscale": "Viridis",
        "reversescale": not facts.maximize,
        "ncontours": 20,
        "contours": {"coloring": "heatmap"},
        "line": {"width": 0.5},
        "colorbar": {"title": {"text": plain_text(facts.metric)}},
        "hoverinfo": "skip",
    }
    points = {
        "type": "scatter",
        "mode": "markers",
        "x": x.shown,
        "y": y.shown,
        "customdata": [[trial.number, trial.objective] for trial in trials],
        "marker": {"color": "#ffffff", "line": {"color": "#111111", "width": 1.5}, "size": 8},
        "hovertemplate": "trial %{customdata[0]}: %{customdata[1]}<extra></extra>",
        "showlegend": False,
    }
    names = short_names(pair)
    layout = {f"{side}axis": _axis(names[key], facts.dimensions.get(key)) for side, key in zip("xy", pair, strict=True)}
    kind = "complete trials" if trials is complete else "trials, complete and pruned"
    words = (
        f"{facts.metric} over {names[pair[0]]} and {names[pair[1]]}. Points are {kind}; the colour is the mean of "
        "those near by: far from points it says little."
    )
    title = "The two most important parameters" if is_ranked else "Two parameters together"
    return Figure("contour", title, words, [field, points], layout, height=460)


def _side(trials: Sequence[TrialRecord], key: str, dimension: Dimension | None) -> Side:
    values = [trial.params[key] for trial in trials]
    if isinstance(dimension, Choice) or not all(isinstance(one, int | float) for one in values):
        known = _categories(values, dimension)
        places = [float(known.index(text(one))) for one in values]
        grid = np.arange(len(known), dtype=float)
        most = max(1.0, float(len(known) - 1))
        return Side(np.array(places) / most, places, grid / most, grid.tolist())
    numbers = np.array([float(one) for one in values if isinstance(one, int | float)])
    is_log = dimension is not None and dimension.log
    scaled = np.log(numbers) if is_log else numbers
    low, high = _ends(scaled, dimension, is_log=is_log)
    grid = np.linspace(0.0, 1.0, GRID)
    shown = low + grid * (high - low)
    unit = (scaled - low) / (high - low) if high > low else np.zeros_like(scaled)
    return Side(unit, numbers.tolist(), grid, (np.exp(shown) if is_log else shown).tolist())


def _ends(scaled: np.ndarray, dimension: Dimension | None, *, is_log: bool) -> tuple[float, float]:
    if dimension is None or isinstance(dimension, Choice):
        return float(scaled.min()), float(scaled.max())
    ends = (float(dimension.low), float(dimension.high))
    return (math.log(ends[0]), math.log(ends[1])) if is_log else ends


def _categories(values: Sequence[object], dimension: Dimension | None) -> list[str]:
    named = [text(one) for one in dimension.values] if isinstance(dimension, Choice) else []
    return list(dict.fromkeys([*named, *(text(one) for one in values)]))


def _axis(name: str, dimension: Dimension | None) -> dict[str, object]:
    if isinstance(dimension, Choice):
        known = [text(one) for one in dimension.values]
        places = list(range(len(known)))
        return {"title": {"text": plain_text(name)}, "tickvals": places, "ticktext": known}
    return axis(plain_text(name), dimension)


def _field(x: Side, y: Side, scores: np.ndarray) -> np.ndarray:
    """Shape (places of y, places of x)."""
    across = (x.grid_unit[None, :, None] - x.unit[None, None, :]) ** 2
    up = (y.grid_unit[:, None, None] - y.unit[None, None, :]) ** 2
    squares = (across + up) / (2 * WIDTH**2)
    # the nearest trial always counts, however far it is
    weight = np.exp(squares.min(axis=2, keepdims=True) - squares)
    field: np.ndarray = (weight * scores).sum(axis=2) / weight.sum(axis=2)
    return field
