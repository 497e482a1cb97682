"""Which sampler a sweep gets, and what a person should know of it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from slimtune.sweeper.sampler_config import (
    SAMPLERS,
    AutoSearch,
    CmaEsSearch,
    DrawnSampler,
    GaussianProcessSearch,
    GeneticSearch,
    GridSearch,
    QuasiRandomSearch,
    RandomSearch,
    SamplerConfig,
    TpeSearch,
)
from slimtune.sweeper.search.named_parts import values_of_file
from slimtune.sweeper.search_config import Search
from slimtune.sweeper.space.dimension import Choice, Dimension
from slimtune.sweeper.space.gridded import gridded
from slimtune.sweeper.space.search_space import SearchSpace
from slimtune.training.config.schema import parse_choice
from slimtune.training.listed_names import counted

# a suggestion of the Gaussian process takes about a second at the last of these
MAX_PROCESS_TRIALS = 100
MAX_PROCESS_DIMENSIONS = 10
# what evolution needs before it has learned more than a density
MIN_EVOLUTION_TRIALS = 500
MIN_GENETIC_TRIALS = 100
# beyond it NSGA-II tells too few trials apart
MAX_GENETIC_OBJECTIVES = 3

# of a generation, where there are trials for several
POPULATION = 20
PREFIX = "search.sampler"


class ChosenSampler(NamedTuple):
    """A sampler, and why it is that one.

    Attributes:
        sampler: With its options.
        why: None for one that was asked for by name.
    """

    sampler: DrawnSampler
    why: str | None


def searched_space(space: SearchSpace, search: Search | None) -> SearchSpace:
    """The space as the sampler searches it: a grid has a finite number of points."""
    if search is None or not isinstance(search.sampler, GridSearch):
        return space
    return gridded(space, search.sampler.points)


def choose_sampler(
    sampler: SamplerConfig, space: SearchSpace, *, n_trials: int, num_objectives: int = 1
) -> ChosenSampler:
    """The sampler that is asked for, or for `auto` the one that fits.

    Args:
        sampler: As configured.
        space: What is searched.
        n_trials: The budget.
        num_objectives: What is made best.
    """
    if not isinstance(sampler, AutoSearch):
        return ChosenSampler(sampler, None)
    num_points = space.num_points()
    if num_points is not None and num_points <= n_trials:
        why = (
            f"the space has {counted(num_points, 'point')} and the budget is {counted(n_trials, 'trial')}, so each "
            "point is tried once"
        )
        return _chosen("grid", why, points=2)
    if num_objectives > 1 and n_trials >= MIN_GENETIC_TRIALS:
        name = "nsga2" if num_objectives <= MAX_GENETIC_OBJECTIVES else "nsga3"
        return _chosen(
            name, f"{num_objectives} objectives and {counted(n_trials, 'trial')}", population_size=POPULATION
        )
    if space.branches:
        return _chosen("tpe", "the space is conditional, and it models what occurs together", group=True)
    return _by_budget(space, n_trials)


def _by_budget(space: SearchSpace, n_trials: int) -> ChosenSampler:
    """For one objective, or few trials, in a space that all trials share."""
    dimensions = [step.dimension for step in space.every_step()]
    has_choices = any(isinstance(dimension, Choice) for dimension in dimensions)
    count = sum(_num_directions(dimension) for dimension in dimensions)
    told = f"{counted(count, 'dimension')}{', each further option of a choice being one,' if has_choices else ''}"
    told = f"{told} and {counted(n_trials, 'trial')}"
    if n_trials <= MAX_PROCESS_TRIALS and count <= MAX_PROCESS_DIMENSIONS:
        return _chosen("gp", f"{told}: it needs the fewest, and its suggestions are still quick")
    if n_trials >= MIN_EVOLUTION_TRIALS and not has_choices:
        return _chosen("cmaes", f"{told}: enough for generations")
    return _chosen("tpe", f"{told}: too many for a Gaussian process, and {_no_generations(has_choices=has_choices)}")


def _num_directions(dimension: Dimension) -> int:
    """In how many directions a Gaussian process has to look: to it all options are equally far from each other."""
    return len(dimension.values) - 1 if isinstance(dimension, Choice) else 1


def _no_generations(*, has_choices: bool) -> str:
    return "choices are not evolved" if has_choices else "too few for generations"


def sampler_notes(chosen: ChosenSampler, space: SearchSpace, *, n_trials: int) -> Sequence[str]:
    """What a person should know before the first trial, one sentence each."""
    sampler = chosen.sampler
    notes = [] if chosen.why is None else [f"search/sampler=auto takes {sampler.name}: {chosen.why}"]
    num_points = space.num_points()
    match sampler:
        case GridSearch() if num_points is not None and num_points > n_trials:
            notes.append(
                f"the grid has {counted(num_points, 'point')}, of which {counted(n_trials, 'is', 'are')} tried "
                "(search.n_trials)"
            )
        case GeneticSearch(population_size=size) if size >= n_trials:
            notes.append(
                f"search.sampler.population_size is {size} and search.n_trials {n_trials}: all trials are of the first "
                "generation, which is drawn at random; take a smaller population"
            )
        case CmaEsSearch() if drawn := [step.key for step in space.every_step() if _is_drawn(step.key, space)]:
            notes.append(f"search/sampler=cmaes draws {', '.join(drawn)} at random: it evolves numbers of all trials")
        case TpeSearch(n_startup_trials=startup) | GaussianProcessSearch(n_startup_trials=startup) if (
            startup >= n_trials
        ):
            notes.append(
                f"search.sampler.n_startup_trials is {startup} and search.n_trials {n_trials}: no trial learns from "
                f"those before it; {_learning(space, n_trials, is_chosen=chosen.why is None)}"
            )
        case RandomSearch() | QuasiRandomSearch() | _:
            pass
    return notes


def _learning(space: SearchSpace, n_trials: int, *, is_chosen: bool) -> str:
    """What to do where all trials are drawn at random; `is_chosen` says that the user named the sampler."""
    repairs = ["try more (search.n_trials, or later slimtune resume)"]
    if is_chosen and n_trials > 1:
        repairs.append(f"draw fewer (search.sampler.n_startup_trials={n_trials // 2})")
    # choices would be drawn at random all the same
    if n_trials > 1 and not any(isinstance(step.dimension, Choice) for step in space.every_step()):
        repairs.append("spread them evenly (search/sampler=qmc)")
    return ", or ".join(repairs)


def _is_drawn(key: str, space: SearchSpace) -> bool:
    return key not in space.common or isinstance(space.common[key], Choice)


def _chosen(name: str, why: str, **changes: Any) -> ChosenSampler:
    return ChosenSampler(named_sampler(name, **changes), why)


def named_sampler(name: str, **changes: Any) -> DrawnSampler:
    """A sampler with the options of its file, but for some."""
    values = {**(values_of_file("sampler", name) or {}), **changes}
    sampler: DrawnSampler = parse_choice(values, SAMPLERS, PREFIX).section
    return sampler
