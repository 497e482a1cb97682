"""Bounds, targets and tolerances that lie beyond what a metric can be."""

import math
from collections.abc import Iterator, Mapping
from numbers import Real
from typing import Any

from slimtune.export.promotion.config import PromotionConfig
from slimtune.sweeper.goals.goals import COSTS
from slimtune.training.config.score_range import ScoreRange, score_range
from slimtune.training.config.task import TaskConfig

COST = ScoreRange(0, math.inf)


def range_problems(values: Mapping[str, Any], task: TaskConfig) -> list[str]:
    """What no trial can reach, or every one does, by the range of the metric; of the user's own none is known.

    Args:
        values: The section `search`, whatever else is wrong with it.
        task: What is measured.
    """
    problems = []
    for key, name, value in _numbers(values, task):
        known = COST if name in COSTS else score_range(name, task)
        if known is not None and not known.holds(value):
            share = f", e.g. {value / 100:g}" if known.most == 1 and 1 < value <= 100 else ""
            problems.append(f"{key} is {value:g}, but {name} is a number of {known.told()}; use one of these{share}")
    for name, value in _items(_mapping(values.get("pick")).get("within")):
        known = None if name in COSTS else score_range(name, task)
        if known is not None and value > known.width:
            problems.append(
                f"search.pick.within.{name} is {value:g}, but {name} is a number of {known.told()}; use a smaller one"
            )
    return problems


def gain_problems(rules: PromotionConfig | None, task: TaskConfig) -> list[str]:
    """What no model can gain over a champion, by the range of the metric."""
    known = None if rules is None or rules.min_gain is None else score_range(task.metric, task)
    if rules is None or rules.min_gain is None or known is None or rules.min_gain <= known.width:
        return []
    share = f", e.g. {rules.min_gain / 100:g}" if known.most == 1 and rules.min_gain <= 100 else ""
    return [
        f"promotion.min_gain is {rules.min_gain:g}, but {task.metric} is a number of {known.told()}, so that no model "
        f"passes; use a smaller one{share}"
    ]


def _numbers(values: Mapping[str, Any], task: TaskConfig) -> Iterator[tuple[str, str, float]]:
    """Key, score and value of all that is compared with a score."""
    for name, bounds in _mapping(values.get("constraints")).items():
        for key, value in _items(bounds):
            yield f"search.constraints.{name}.{key}", str(name), value
    target: Any = values.get("target")
    for name, value in _items(target):
        yield f"search.target.{name}", name, value
    if _is_number(target):
        objectives = values.get("objectives")
        first = objectives[0] if isinstance(objectives, list) and objectives else task.metric
        yield "search.target", str(_mapping(first).get("metric", first)), float(target)


def _items(given: Any) -> Iterator[tuple[str, float]]:
    """Those of a mapping that are numbers."""
    return ((str(name), float(value)) for name, value in _mapping(given).items() if _is_number(value))


def _mapping(given: Any) -> Mapping[Any, Any]:
    return given if isinstance(given, Mapping) else {}


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and value == value  # noqa: PLR0124  # NaN
