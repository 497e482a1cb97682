"""A figure as plotly draws it, with what it shows in words."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from slimtune.sweeper.space.dimension import Choice, Dimension, is_number
from slimtune.sweeper.study import TrialRecord, TrialState

# readable on white and on nearly black, and told apart by people who do not see red and green
BLUE, AMBER, RED, GREY, GREEN = "#3b82c4", "#d98a1f", "#cf4646", "#8a8f98", "#2a9d78"
COLOURS = {
    TrialState.complete: BLUE,
    TrialState.pruned: AMBER,
    TrialState.failed: RED,
    TrialState.running: GREEN,
    TrialState.waiting: GREY,
}
SYMBOLS = {
    TrialState.complete: "circle",
    TrialState.pruned: "triangle-down-open",
    TrialState.failed: "x",
    TrialState.running: "diamond-open",
    TrialState.waiting: "square-open",
}
# of a number in a figure; a screen shows fewer
DIGITS = 5
# on a logarithmic axis
MOST_TICKS = 6


class Figure(NamedTuple):
    """One figure of the page.

    Attributes:
        name: Its id.
        title: Above it.
        told: What it shows, in words: also for those who do not see it.
        data: Traces.
        layout: Of the axes; colours of text and grid are the page's.
        height: In pixels.
    """

    name: str
    title: str
    told: str
    data: Sequence[dict[str, Any]]
    layout: dict[str, Any]
    height: int = 380


def short(key: str) -> str:
    """The last part of a dotted key."""
    return key.rpartition(".")[-1]


def short_names(keys: Sequence[str]) -> dict[str, str]:
    """By key, its last part; the whole key where two have the same."""
    ends = [short(key) for key in keys]
    return {key: end if ends.count(end) == 1 else key for key, end in zip(keys, ends, strict=True)}


def compact(value: Any) -> Any:
    """With numbers to `DIGITS` digits; what JSON has no number for is null."""
    if isinstance(value, dict):
        return {key: compact(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [compact(one) for one in value]
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value


def axis(title: str, dimension: Dimension | None = None) -> dict[str, Any]:
    """Of a parameter's values, as its range says."""
    found: dict[str, Any] = {"title": {"text": title}}
    if isinstance(dimension, Choice):
        found |= {
            "type": "category",
            "categoryorder": "array",
            "categoryarray": [text(one) for one in dimension.values],
        }
    elif dimension is not None and dimension.log:
        ticks = _log_ticks(float(dimension.low), float(dimension.high))
        found["type"] = "log"
        # of a narrow range plotly finds its own
        found |= {"tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]} if len(ticks) > 1 else {}
    return found


def _log_ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 of each power of ten in a range; of more than a few, the powers alone."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    within = [(digit, digit * 10.0**power) for power in powers for digit in (1, 2, 5)]
    within = [(digit, tick) for digit, tick in within if low * 0.999 <= tick <= high * 1.001]
    return [tick for digit, tick in within if digit == 1 or len(within) <= MOST_TICKS]


def text(value: object) -> str:
    """A value of a category."""
    return "none" if value is None else plain_text(str(value))


def on_axis(value: object, dimension: Dimension | None) -> Any:
    """A value where an axis has it: the text of a choice, a number else."""
    if isinstance(dimension, Choice) or not is_number(value):
        return text(value)
    return value


def with_score(trials: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Trials that ended with a score that is a number."""
    ended = (TrialState.complete, TrialState.pruned)
    return [
        trial
        for trial in trials
        if trial.state in ended and trial.objective is not None and math.isfinite(trial.objective)
    ]


def plain_text(words: str) -> str:
    """Words that plotly shows as they are: it reads some tags in labels."""
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
