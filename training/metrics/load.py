"""A metric by its name in the config: one of ours, the user's own, or the hub's."""

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from numbers import Real
from typing import Any, NamedTuple

from slimtune.training.config.dotted_path import imported
from slimtune.training.config.own_code import own_code, own_copy, own_row
from slimtune.training.config.schema import suggestion
from slimtune.training.errors import ConfigError
from slimtune.training.extras import METRIC_PACKAGES, needs
from slimtune.training.metrics.given.guarded import Guard
from slimtune.training.metrics.given.told_rule import told_rule

OURS = {
    "accuracy": "slimtune.training.metrics.accuracy.accuracy",
    "f1": "slimtune.training.metrics.f1.f1",
    "exact_match": "slimtune.training.metrics.exact_match.exact_match",
    "bleu": "slimtune.training.metrics.bleu.bleu",
    "chrf": "slimtune.training.metrics.chrf.chrf",
    "rouge": "slimtune.training.metrics.rouge.rouge",
    "entity_f1": "slimtune.training.metrics.entities.entity_f1",
    "multilabel_f1": "slimtune.training.metrics.multilabel.multilabel_f1",
    "spearman": "slimtune.training.metrics.spearman.spearman",
    "pair_scores": "slimtune.training.metrics.pair_scores.pair_scores",
}
HUB = "hub:"
# how a metric of the user's own is called, and how we say so; one that takes two is called with two
ARGUMENTS = ("predictions", "references", "rows")

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class NamedMetric:
    """A metric that is ready to compute.

    Attributes:
        name: Its name in the config, without `hub:` or the path of its module.
        compute: Scores by name from predictions, references and the data rows, which may be None.
    """

    name: str
    compute: Callable[[Sequence[Any], Sequence[Any], Rows | None], dict[str, float]]


def load_metric(name_or_target: str, guard: Guard = own_copy) -> NamedMetric:
    """The metric that an entry of `task.metrics` names.

    Args:
        name_or_target: One of `OURS`; `hub:<name>`, which `evaluate.load` takes; or the dotted path of an
            `evaluate.Metric` or of a function of predictions, references and, where it takes a third argument, rows
            that gives a number or a dict of numbers. Of what an `evaluate` module gives, only numbers are scores.
        guard: What such a function is given for a prediction or a reference; all others get them as they are.

    Raises:
        ConfigError: There is no such metric, or it cannot be called as one.
    """
    if name_or_target.startswith(HUB):
        name = name_or_target.removeprefix(HUB)
        return NamedMetric(name, partial(_scores_of_module, _from_hub(name), name_or_target))
    if name_or_target not in OURS and "." not in name_or_target:
        repair = f"{suggestion(name_or_target, OURS)}, or use {HUB}<name> or the dotted path of your own"
        raise _problem(name_or_target, "which is not a metric of ours", repair)
    if name_or_target in OURS:
        return NamedMetric(name_or_target, partial(_scores_of_ours, function_of(name_or_target)))
    name = _name(name_or_target)
    target = imported(name_or_target, said="task.metrics has")
    if _is_metric_class(target):
        return NamedMetric(name, partial(_scores_of_module, _made(target, name_or_target), name_or_target))
    takes_rows = _takes_rows(target, name_or_target)
    return NamedMetric(name, partial(_scores_of_function, _OwnFunction(target, name_or_target, takes_rows, guard)))


def function_of(name: str) -> Any:
    """The function of predictions and references behind a name of `OURS`.

    Raises:
        UserError: It needs a package that is not installed.
    """
    if name in METRIC_PACKAGES:
        needs(METRIC_PACKAGES[name], needed_for=f"task.metrics={name}")
    return imported(OURS[name], said="task.metrics has")


def _from_hub(name: str) -> Any:
    if not name:
        raise _problem(HUB, "which names nothing", f"use {HUB}<name>, e.g. {HUB}sari")
    needs("evaluate", needed_for=f"task.metrics={HUB}{name}")
    import evaluate

    try:
        return evaluate.load(name, module_type="metric", keep_in_memory=True)
    except (OSError, ImportError, ValueError, TypeError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise _problem(HUB + name, f"but evaluate.load fails ({reason})", "check the name and the network") from error


def _is_metric_class(target: Any) -> bool:
    # who subclasses it has imported it
    evaluate: Any = sys.modules.get("evaluate")
    return evaluate is not None and isinstance(target, type) and issubclass(target, evaluate.Metric)


class _OwnFunction(NamedTuple):
    """A function of the user's own: where it is, whether it takes rows, and what it is given for a value."""

    call: Any
    path: str
    takes_rows: bool
    guard: Guard


def _takes_rows(target: Any, path: str) -> bool:
    """Whether it can be called with all three arguments, or else with the first two.

    Raises:
        ConfigError: Neither.
    """
    arguments = f"({', '.join(ARGUMENTS)})"
    if isinstance(target, type) or not callable(target):
        what = "another class" if isinstance(target, type) else f"of type {type(target).__name__}"
        raise _problem(path, f"which is {what}", f"use an evaluate.Metric class or a function of {arguments}")
    reason = ""
    for count in (3, 2):
        try:
            inspect.signature(target).bind(*ARGUMENTS[:count])
        except (TypeError, ValueError) as error:
            reason = reason or str(error)
        else:
            return count == len(ARGUMENTS)
    repair = "let it take these three, or the first two"
    raise _problem(path, f"which cannot be called with {arguments} ({reason})", repair)


def _scores_of_ours(
    function: Any, predictions: Sequence[Any], references: Sequence[Any], rows: Rows | None
) -> dict[str, float]:
    del rows
    scores: dict[str, float] = function(predictions, references)
    return scores


def _scores_of_module(
    metric: Any, path: str, predictions: Sequence[Any], references: Sequence[Any], rows: Rows | None
) -> dict[str, float]:
    del rows  # evaluate's modules know no rows
    with own_code(_said(path)):
        result = metric.compute(predictions=predictions, references=references)
        # modules of the hub give lists and texts beside their scores
        scores = {key: value for key, value in result.items() if isinstance(value, Real)}
    return _checked(scores, path)


def _scores_of_function(
    own: _OwnFunction, predictions: Sequence[Any], references: Sequence[Any], rows: Rows | None
) -> dict[str, float]:
    # other metrics are given the same, at other evaluations too
    asked: list[Any] = [tuple(map(own.guard, values)) for values in (predictions, references)]
    given = asked[0]
    with own_code(_said(own.path), lambda error: told_rule(error, given)):
        if own.takes_rows:
            asked.append(None if rows is None else tuple(map(own_row, rows)))
        result = own.call(*asked)
    return _checked(result, own.path)


def _checked(result: Any, path: str) -> dict[str, float]:
    if isinstance(result, Real):
        return {_name(path): float(result)}
    if isinstance(result, Mapping) and result and all(isinstance(value, Real) for value in result.values()):
        return {str(key): float(value) for key, value in result.items()}
    raise _problem(path, f"which gave {result!r:.80}", "let it give a number or a dict of numbers")


def _made(metric: Any, path: str) -> Any:
    with own_code(_said(path)):
        return metric(keep_in_memory=True)


def _name(path: str) -> str:
    """The score's, where a metric gives one number."""
    return path.removeprefix(HUB) if path.startswith(HUB) else path.rpartition(".")[-1]


def _said(path: str) -> str:
    return f"task.metrics has '{path}', which"


def _problem(value: str, what: str, repair: str) -> ConfigError:
    return ConfigError([f"task.metrics has '{value}', {what}; {repair}"])
