"""Scores of a tally: the loss, and every metric that a task names."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from slimtune.training.config.own_code import own_copy
from slimtune.training.config.task import METRIC_KEYS
from slimtune.training.errors import ConfigError
from slimtune.training.metrics.given.guarded import Guard
from slimtune.training.metrics.load import load_metric
from slimtune.training.metrics.perplexity import perplexity
from slimtune.training.metrics.tally import Tally


class Measure(NamedTuple):
    """Attributes:
    keys: The scores that it gives; a metric of the user's own may give others.
    compute: The scores of a tally that is not empty.
    needs: The columns that it reads.
    own: Its entry of `task.metrics`, if it is the user's own or the hub's.
    """

    keys: tuple[str, ...]
    compute: Callable[[Tally], Mapping[str, float]]
    needs: tuple[str, ...]
    own: str | None = None


def compute_all(measures: Sequence[Measure], tally: Tally) -> dict[str, float]:
    """The scores of the measures whose columns the tally has; NaN on no rows.

    Raises:
        ConfigError: A metric of the user's own gives a score that another one gives.
    """
    scores: dict[str, float] = {}
    for measure in measures:
        if not tally.columns or len(tally) == 0:
            scores |= dict.fromkeys(measure.keys, math.nan)
        elif all(name in tally.columns for name in measure.needs):
            found = {key: float(value) for key, value in measure.compute(tally).items()}
            for name in found.keys() & scores.keys():
                raise ConfigError([f"task.metrics give {name} twice; let yours give it under another name"])
            scores |= found
    return scores


def measures_of(names: Sequence[str], guard: Guard = own_copy) -> tuple[Measure, ...]:
    """The loss, and the metrics of these names.

    Args:
        names: As `task.metrics` has them.
        guard: What a function of the user's own is given for a prediction or a reference.

    Raises:
        ConfigError: There is no such metric.
    """
    return (mean_loss(), *(measure_of(name, guard) for name in dict.fromkeys(names)))


def mean_loss() -> Measure:
    """Nats over weights: a mean over rows, labelled tokens, or whatever the task's weights count."""
    return Measure(("loss",), lambda tally: {"loss": _mean_nats(tally)}, ("nats", "weight"))


def measure_of(name: str, guard: Guard = own_copy) -> Measure:
    """A metric by the name that `task.metrics` has for it; the guard is as `measures_of` says.

    Raises:
        ConfigError: There is none.
    """
    if name == "perplexity":
        return Measure(("perplexity",), _perplexity, ("nats", "weight"))
    metric = load_metric(name, guard)
    keys = METRIC_KEYS.get(name, (metric.name,))
    own = None if name in METRIC_KEYS else name
    return Measure(keys, partial(_of_metric, metric), ("prediction", "reference"), own)


def _of_metric(metric: Any, tally: Tally) -> Mapping[str, float]:
    predictions, references = tally.columns["prediction"], tally.columns["reference"]
    if metric.name in ("accuracy", "f1") and isinstance(references[0], str):
        # labels that were generated as text
        ids = {text: index for index, text in enumerate(sorted({*predictions, *references}))}
        predictions, references = (tuple(ids[text] for text in texts) for texts in (predictions, references))
    scores: Mapping[str, float] = metric.compute(predictions, references, tally.columns.get("data"))
    return scores


def _mean_nats(tally: Tally) -> float:
    return float(np.sum(tally.columns["nats"]) / np.sum(tally.columns["weight"]))


def _perplexity(tally: Tally) -> Mapping[str, float]:
    return {"perplexity": perplexity(tally.columns["nats"], tally.columns["weight"])}
