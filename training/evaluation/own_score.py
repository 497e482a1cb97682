"""Scores of a metric of the user's own that are no numbers."""

import math
from collections.abc import Mapping, Sequence

from slimtune.training.errors import ConfigError
from slimtune.training.metrics.measure import Measure


def path_of(measures: Sequence[Measure], score: str, scores: Mapping[str, float]) -> str | None:
    """The entry of `task.metrics` that gives a score, if it is the user's own or the hub's.

    Args:
        measures: All of the task.
        score: Its name.
        scores: All that were given: a metric of the user's own may give others than are known before it is called.
    """
    if any(score in measure.keys for measure in measures if measure.own is None):
        return None
    own = [measure for measure in measures if measure.own is not None]
    named = [measure for measure in own if score in measure.keys] or [
        measure for measure in own if not scores.keys() & set(measure.keys)
    ]
    return ", ".join(str(measure.own) for measure in named) or None


def no_number(path: str, gave: Mapping[str, float], when: str) -> ConfigError:
    """Says that such a metric gives none.

    Args:
        path: Its entry of `task.metrics`.
        gave: What it gave, by name.
        when: For which answers.
    """
    told = ", ".join(f"{name}={_word(value)}" for name, value in gave.items())
    return ConfigError(
        [
            f"task.metrics has '{path}', which gives no number {when} ({told}); let it give a finite one for any "
            "answers, those without a right one too"
        ]
    )


def _word(value: float) -> str:
    return "NaN" if math.isnan(value) else f"{value:g}"
