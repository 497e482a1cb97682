"""Parallel coordinates: a line a trial through all of its parameters."""

import math
from collections.abc import Sequence
from typing import Any

from slimtune.sweeper.report_page.figures.figure import Figure, plain_text, short_names, text, with_score
from slimtune.sweeper.report_page.sweep_facts import SweepFacts
from slimtune.sweeper.space.dimension import Choice, Dimension, is_number
from slimtune.sweeper.study import TrialRecord
from slimtune.training.listed_names import counted

TICKS = 5
# where an axis has a place for trials without the parameter
ABSENT, ABSENT_SHARE = "not set", 0.15


def parallel(facts: SweepFacts, keys: Sequence[str]) -> Figure | None:
    """Lines by score, best coloured; None with fewer than two trials or without parameters."""
    trials = with_score(facts.trials)
    if len(trials) < 2 or not keys:
        return None
    scores = [float(trial.objective or 0.0) for trial in trials]
    names = short_names(keys)
    dimensions = [
        {"label": plain_text(facts.metric), "values": scores},
        *({"label": plain_text(names[key]), **_axis(key, trials, facts.dimensions.get(key))} for key in keys),
    ]
    line = {"color": scores, "colorscale": "Viridis", "showscale": True, "reversescale": not facts.maximize}
    words = (
        f"{counted(len(trials), 'trial')}, complete and pruned; the colour is {facts.metric}. Drag along an axis to "
        "keep the trials of a range, drag a name to move an axis."
    )
    layout = {"margin": {"l": 70, "r": 60, "t": 60, "b": 30}}
    trace = {"type": "parcoords", "dimensions": dimensions, "line": line}
    return Figure("parallel", "Parallel coordinates", words, [trace], layout, height=420)


def _axis(key: str, trials: Sequence[TrialRecord], dimension: Dimension | None) -> dict[str, Any]:
    values = [trial.params.get(key) for trial in trials]
    known = [float(value) for value in values if is_number(value)]
    if isinstance(dimension, Choice) or not known or len(known) < sum(key in trial.params for trial in trials):
        return _categories(key, trials)
    # a value of another study may lie outside of the dimension
    is_log = dimension is not None and dimension.log and min(known) > 0
    scaled = {value: math.log10(value) if is_log else value for value in known}
    low, high = min(scaled.values()), max(scaled.values())
    # trials without it have a place of their own under the axis
    absent = low - ABSENT_SHARE * ((high - low) or 1.0)
    places = [scaled[float(value)] if isinstance(value, int | float) else absent for value in values]
    if not is_log and len(known) == len(values):
        return {"values": places}
    ticks = [low + at * (high - low) / (TICKS - 1) for at in range(TICKS)] if high > low else [low]
    texts = [f"{10**tick if is_log else tick:.2g}" for tick in ticks]
    if len(known) < len(values):
        ticks, texts = [absent, *ticks], [ABSENT, *texts]
    return {"values": places, "tickvals": ticks, "ticktext": texts}


def _categories(key: str, trials: Sequence[TrialRecord]) -> dict[str, Any]:
    found = [text(trial.params[key]) if key in trial.params else ABSENT for trial in trials]
    numeric = all(is_number(trial.params.get(key)) for trial in trials if key in trial.params)
    kinds = sorted({*found} - {ABSENT}, key=float) if numeric else sorted({*found} - {ABSENT})
    kinds = [*([ABSENT] if ABSENT in found else []), *kinds]
    return {
        "values": [kinds.index(one) for one in found],
        "tickvals": list(range(len(kinds))),
        "ticktext": kinds,
        "range": [0, max(1, len(kinds) - 1)],
    }
