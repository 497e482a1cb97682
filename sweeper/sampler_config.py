"""The types of `search.sampler`: how trials are suggested. Values live in `conf/search/sampler/`."""

from dataclasses import dataclass, field
from typing import Any

from slimtune.training.config.schema import Rule, above_zero, not_negative


def at_least_two(example: object) -> dict[str, Rule]:
    """Metadata of a field that must be >= 2."""
    return {"rule": Rule(f"use a whole number of at least 2, e.g. {example}", lambda value: value >= 2)}


def chance(example: object) -> dict[str, Rule]:
    """Metadata of a field that must lie in [0, 1]."""
    return {"rule": Rule(f"use a number from 0 to 1, e.g. {example}", lambda value: 0 <= value <= 1)}


@dataclass(slots=True, kw_only=True)
class AutoSearch:
    """Chosen by space, budget and number of objectives; the reason is told."""

    name: str


@dataclass(slots=True, kw_only=True)
class RandomSearch:
    """Independent draws."""

    name: str


@dataclass(slots=True, kw_only=True)
class GridSearch:
    """Every point of the space once, in an order drawn by the seed; a smaller budget takes the first ones.

    Attributes:
        name: `grid`.
        points: Values of a dimension of real numbers without steps, evenly spaced, both ends among them.
    """

    name: str
    points: int = field(metadata=at_least_two(5))


@dataclass(slots=True, kw_only=True)
class QuasiRandomSearch:
    """A sequence that fills the space more evenly than chance (quasi-Monte Carlo).

    Attributes:
        name: `qmc`.
        sequence: `sobol` or `halton`.
        scramble: Another sequence for each seed; without it there is but one, which begins in a corner of the space.
    """

    name: str
    sequence: str = field(
        metadata={"rule": Rule("use sobol or halton", lambda value: value in ("sobol", "halton"))},
    )
    scramble: bool


@dataclass(slots=True, kw_only=True)
class TpeSearch:
    """Tree-structured Parzen estimator (Bergstra et al. 2011), as Optuna has it.

    Attributes:
        name: `tpe`.
        n_startup_trials: Random trials before the model of the space is used.
        n_ei_candidates: Points drawn from the good ones for each suggestion.
        multivariate: Dimensions are modelled together.
        group: In a conditional space, those that occur together are; it takes `multivariate`.
    """

    name: str
    n_startup_trials: int = field(metadata=not_negative(8))
    n_ei_candidates: int = field(metadata=above_zero(24))
    multivariate: bool
    group: bool


@dataclass(slots=True, kw_only=True)
class GaussianProcessSearch:
    """Bayesian optimization with a Gaussian process, as Optuna has it: few trials, but each suggestion takes longer
    than the one before.

    Attributes:
        name: `gp`.
        n_startup_trials: Trials before the model of the space is used: points of a Sobol sequence.
    """

    name: str
    n_startup_trials: int = field(metadata=above_zero(8))


@dataclass(slots=True, kw_only=True)
class CmaEsSearch:
    """Covariance matrix adaptation (Hansen 2016, https://arxiv.org/abs/1604.00772) over the numbers of the space;
    choices are drawn at random.

    Attributes:
        name: `cmaes`.
        population_size: Trials a generation; null is 4 + 3 ln(dimensions).
        sigma: Spread of the first generation, as a share of each dimension.
    """

    name: str
    population_size: int | None = field(metadata=at_least_two(6))
    sigma: float = field(metadata=above_zero(0.17))


@dataclass(slots=True, kw_only=True)
class GeneticSearch:
    """NSGA-II (Deb et al. 2002) or NSGA-III (Deb and Jain 2014), as Optuna has them.

    Attributes:
        name: `nsga2` or `nsga3`.
        population_size: Trials a generation; the first one is drawn at random.
        mutation_probability: Chance that a parameter is drawn anew; null is one parameter a trial.
        crossover_probability: Chance that a trial has two parents.
        swapping_probability: Chance that a parameter comes from the second of them.
    """

    name: str
    population_size: int = field(metadata=at_least_two(8))
    mutation_probability: float | None = field(metadata=chance(0.2))
    crossover_probability: float = field(metadata=chance(0.9))
    swapping_probability: float = field(metadata=chance(0.5))


DrawnSampler = (
    RandomSearch | GridSearch | QuasiRandomSearch | TpeSearch | GaussianProcessSearch | CmaEsSearch | GeneticSearch
)
SamplerConfig = AutoSearch | DrawnSampler

SAMPLERS: dict[str, type] = {
    "auto": AutoSearch,
    "random": RandomSearch,
    "grid": GridSearch,
    "qmc": QuasiRandomSearch,
    "tpe": TpeSearch,
    "gp": GaussianProcessSearch,
    "cmaes": CmaEsSearch,
    "nsga2": GeneticSearch,
    "nsga3": GeneticSearch,
}


def sampler_problems(sampler: Any, prefix: str) -> list[str]:
    """What is wrong with a sampler beyond its single values."""
    if isinstance(sampler, TpeSearch) and sampler.group and not sampler.multivariate:
        return [f"{prefix}.group is true with multivariate: false; set {prefix}.multivariate=true"]
    return []
