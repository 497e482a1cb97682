"""The score of an evaluation that the search goes by."""

import math
from collections.abc import Mapping, Sequence

from slimtune.training.config.task import TaskConfig
from slimtune.training.errors import Diverged
from slimtune.training.evaluation.own_score import no_number, path_of
from slimtune.training.metrics.measure import Measure


def objective_of(scores: Mapping[str, float], task: TaskConfig, measures: Sequence[Measure], milestone: int) -> float:
    """The score of `task.metric`; infinite only where that is worse than any number.

    Args:
        scores: Of the validation rows, by name.
        task: With the metric.
        measures: What the scores are of.
        milestone: Examples seen.

    Raises:
        Diverged: It is not a number, and so is the loss, or the metric is one of ours.
        ConfigError: It is a metric of the user's own that gives no number, while the loss is one.
    """
    score, loss, path = scores[task.metric], scores.get("loss", math.nan), path_of(measures, task.metric, scores)
    best = math.inf if task.maximize else -math.inf
    if not math.isnan(score) and (score != best or path is None):
        return score
    if path is None or not math.isfinite(loss):
        raise Diverged(f"after {milestone} examples: validation {task.metric} is {_told(score)}, the loss {loss:.6g}")
    when = f"on the validation rows after {milestone} examples, where the loss is {loss:.6g}"
    raise no_number(path, {task.metric: score}, when)


def _told(score: float) -> str:
    return "not a number" if math.isnan(score) else "infinite"
