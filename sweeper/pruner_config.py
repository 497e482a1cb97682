"""The types of `search.pruner`: how trials are stopped. Values live in `conf/search/pruner/`."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from slimtune.training.config.schema import Parsed, Rule, above_zero, not_negative, parse_choice


@dataclass(slots=True, kw_only=True)
class NoPruning:
    """Every trial runs to its end."""

    name: str


@dataclass(slots=True, kw_only=True)
class SuccessiveHalving:
    """Asynchronous successive halving (Li et al. 2020, https://arxiv.org/abs/1810.05934).

    Attributes:
        name: `successive_halving`.
        min_examples: First rung in training examples; null is the first evaluation.
        reduction_factor: A rung keeps one in this many.
    """

    name: str
    min_examples: int | None = field(metadata=above_zero(1000))
    reduction_factor: int = field(metadata=above_zero(3))


@dataclass(slots=True, kw_only=True)
class Hyperband:
    """Hyperband with explicit bounds (Li et al. 2018, https://arxiv.org/abs/1603.06560).

    Attributes:
        name: `hyperband`.
        min_examples: First rung; null is the first evaluation.
        max_examples: Last rung; null is the length of a trial of the base config.
        reduction_factor: A rung keeps one in this many.
    """

    name: str
    min_examples: int | None = field(metadata=above_zero(1000))
    max_examples: int | None = field(metadata=above_zero(9000))
    reduction_factor: int = field(metadata=above_zero(3))


@dataclass(slots=True, kw_only=True)
class MedianStopping:
    """Stops what is worse than the median of the trials that have come as far, whatever became of them.

    Attributes:
        name: `median`.
        n_startup_trials: Other trials that must have come as far.
        n_warmup_examples: Training examples before a trial can be pruned.
    """

    name: str
    n_startup_trials: int = field(metadata=not_negative(5))
    n_warmup_examples: int = field(metadata=not_negative(0))


@dataclass(slots=True, kw_only=True)
class PercentileStopping:
    """The same with another share than half of them.

    Attributes:
        name: `percentile`.
        keep_percent: The best so many of a hundred go on.
        n_startup_trials: Other trials that must have come as far.
        n_warmup_examples: Training examples before a trial can be pruned.
    """

    name: str
    keep_percent: float = field(
        metadata={"rule": Rule("use a number between 0 and 100, e.g. 25", lambda value: 0 < value < 100)}
    )
    n_startup_trials: int = field(metadata=not_negative(5))
    n_warmup_examples: int = field(metadata=not_negative(0))


@dataclass(slots=True, kw_only=True)
class Patience:
    """Stops what another pruner would stop, but nothing that still gets better.

    Attributes:
        name: `patient`.
        evaluations: A trial that got better within so many evaluations goes on.
        min_delta: How much better it must have got.
        pruner: The other pruner.
    """

    name: str
    evaluations: int = field(metadata=above_zero(2))
    min_delta: float = field(metadata=not_negative(0.0))
    pruner: Any


@dataclass(slots=True, kw_only=True)
class RankTest:
    """Stops what is worse than the best trial on most parts of the validation rows (Wilcoxon's signed-rank test).

    A task function of an app's own reports one value for each fold, row or seed instead, and is compared by these.

    Attributes:
        name: `wilcoxon`.
        p_threshold: A trial is stopped where chance alone would make it look as bad less often than this.
        n_startup_steps: Evaluations (or values of an app's own) before a trial can be pruned.
    """

    name: str
    p_threshold: float = field(
        metadata={"rule": Rule("use a number between 0 and 1, e.g. 0.05", lambda value: 0 < value < 1)}
    )
    n_startup_steps: int = field(metadata=above_zero(2))


@dataclass(slots=True, kw_only=True)
class Combination:
    """Several pruners at once.

    Attributes:
        name: `combination`.
        rule: `any`: a trial is stopped if one of them would; `all`: only if each of them would.
        pruners: The pruners, by names that mean nothing.
    """

    name: str
    rule: str = field(metadata={"rule": Rule("use any or all", lambda value: value in ("any", "all"))})
    pruners: dict[str, Any]


PrunerConfig = (
    NoPruning | SuccessiveHalving | Hyperband | MedianStopping | PercentileStopping | Patience | RankTest | Combination
)

PRUNERS: dict[str, type] = {
    "none": NoPruning,
    "successive_halving": SuccessiveHalving,
    "hyperband": Hyperband,
    "median": MedianStopping,
    "percentile": PercentileStopping,
    "patient": Patience,
    "wilcoxon": RankTest,
    "combination": Combination,
}
# Hyperband deals out brackets, by which samplers see the study too; it cannot be one of several
INNER = {name: kind for name, kind in PRUNERS.items() if name not in ("none", "hyperband")}


def parse_pruner(values: Any, prefix: str) -> Parsed[Any]:
    """The section of a pruner with those inside it, or every problem in them."""
    return _with_inner(parse_choice(values, PRUNERS, prefix), prefix)


def pruners_in(pruner: Any) -> list[Any]:
    """A pruner and all that are inside it."""
    inner = [pruner.pruner] if isinstance(pruner, Patience) else []
    inner = list(pruner.pruners.values()) if isinstance(pruner, Combination) else inner
    return [pruner, *(found for one in inner for found in pruners_in(one))]


def _with_inner(parsed: Parsed[Any], prefix: str) -> Parsed[Any]:
    match parsed.found:
        case Patience(pruner=values):
            inner = _parse_inner(values, f"{prefix}.pruner")
            return Parsed(replace(parsed.found, pruner=inner.found), inner.problems) if inner.found else inner
        case Combination(pruners=by_name):
            return _combined(parsed.found, by_name, prefix)
        case None:
            return parsed
        case found:
            problems = _rung_problems(found, prefix)
            return Parsed(None if problems else found, problems)


def _combined(found: Combination, by_name: Mapping[str, Any], prefix: str) -> Parsed[Any]:
    # null takes one out that a file of the group brings
    given = {name: values for name, values in by_name.items() if values is not None}
    parts = {name: _parse_inner(values, f"{prefix}.pruners.{name}") for name, values in given.items()}
    problems = [problem for part in parts.values() for problem in part.problems]
    if not given:
        problems.append(f"{prefix}.pruners is empty; name at least one, e.g. +search/pruner@{prefix}.pruners.a=median")
    if problems:
        return Parsed(None, problems)
    return Parsed(replace(found, pruners={name: part.found for name, part in parts.items()}), [])


def _parse_inner(values: Any, prefix: str) -> Parsed[Any]:
    name = values.get("name") if isinstance(values, Mapping) else values
    if name not in INNER:
        return Parsed(
            None, [f"{prefix} is {name!r}; known: {', '.join(INNER)} (choose with search/pruner@{prefix}=...)"]
        )
    return _with_inner(parse_choice(values, INNER, prefix), prefix)


def _rung_problems(pruner: Any, prefix: str) -> list[str]:
    problems = []
    factor = getattr(pruner, "reduction_factor", None)
    if factor is not None and factor < 2:
        problems.append(f"{prefix}.reduction_factor is {factor}; use a whole number of at least 2, e.g. 3")
    least, most = (getattr(pruner, key, None) for key in ("min_examples", "max_examples"))
    if least is not None and most is not None and least > most:
        problems.append(f"{prefix}.min_examples is {least}, above max_examples ({most}); swap them")
    return problems
