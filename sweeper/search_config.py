"""The types of the search's config. Values live in `conf/search/`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from slimtune.training.config.schema import Parsed, above_zero, not_negative, parse_section, suggestion
from slimtune.training.config.task import Direction
from slimtune.training.tracking.uri import sqlite_url


class Rungs(NamedTuple):
    """What a sweep's trials have in common, in training examples: the evaluation cadence and the longest trial."""

    eval_every: int
    longest: int


@dataclass(slots=True, kw_only=True)
class RandomSearch:
    """Independent draws."""

    name: str


@dataclass(slots=True, kw_only=True)
class TpeSearch:
    """Tree-structured Parzen estimator (Bergstra et al. 2011), multivariate, as Optuna has it.

    Attributes:
        name: `tpe`.
        n_startup_trials: Random trials before the model of the space is used.
    """

    name: str
    n_startup_trials: int = field(metadata=not_negative(8))


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
    """Stops what is worse than the median of the completed trials at the same number of examples.

    Attributes:
        name: `median`.
        n_startup_trials: Completed trials before any is pruned.
        n_warmup_examples: Training examples before a trial can be pruned.
    """

    name: str
    n_startup_trials: int = field(metadata=not_negative(5))
    n_warmup_examples: int = field(metadata=not_negative(0))


STUDY_FILE = "study.db"

SamplerConfig = RandomSearch | TpeSearch
PrunerConfig = NoPruning | SuccessiveHalving | Hyperband | MedianStopping

SAMPLERS: dict[str, type] = {"random": RandomSearch, "tpe": TpeSearch}
PRUNERS: dict[str, type] = {
    "none": NoPruning,
    "successive_halving": SuccessiveHalving,
    "hyperband": Hyperband,
    "median": MedianStopping,
}


@dataclass(slots=True, kw_only=True)
class SearchConfig:
    """The budget and the rules of a search.

    Attributes:
        name: The sweep's name: its folder under `outputs/` and its experiment in the tracker.
        n_trials: Total budget, over all runs of the same command.
        direction: Whether more or less of the objective is better.
        seed: Fixes what the sampler suggests.
        start_from_config: The first trial takes the config's own values, where the space holds them.
        stop_hopeless: Beside the pruner, stop a trial whose learning curve cannot reach the best trial any more.
        storage: URL of the study; null is an SQLite file in the sweep's folder.
        num_workers: Workers that are launched at once.
        max_retries: How often a trial whose worker died is tried again.
        finalists: Best trials that are rerun before one is chosen.
        rerun_seeds: Fresh seeds that each finalist is rerun with.
    """

    name: str
    n_trials: int = field(metadata=above_zero(20))
    direction: Direction
    seed: int = field(metadata=not_negative(0))
    start_from_config: bool
    stop_hopeless: bool
    storage: str | None
    num_workers: int = field(metadata=above_zero(1))
    max_retries: int = field(metadata=not_negative(2))
    finalists: int = field(metadata=above_zero(3))
    rerun_seeds: int = field(metadata=not_negative(2))


class Search(NamedTuple):
    """The search as a whole.

    Attributes:
        config: Its own keys.
        sampler: How trials are suggested.
        pruner: How trials are stopped.
        further: Directions of objectives beyond the first, where `search.direction` is a list.
    """

    config: SearchConfig
    sampler: SamplerConfig
    pruner: PrunerConfig
    further: tuple[Direction, ...] = ()

    @property
    def maximize(self) -> bool:
        """Whether more of the objective is better; of several, of the first."""
        return self.config.direction is Direction.maximize


# of a folder, with room for what is added to it
MAX_NAME_BYTES = 200
DIRECTION_MISSING = "search.direction is missing: minimize or maximize"


def study_url(folder: Path) -> str:
    """The study in a sweep's folder, where `search.storage` is null."""
    return sqlite_url(folder / STUDY_FILE)


def parse_search(values: Mapping[str, Any]) -> Parsed[Search]:
    """A `Search` from plain values, or every problem in them."""
    own = {key: value for key, value in values.items() if key not in ("sampler", "pruner")}
    directions = own.get("direction")
    further = Parsed[tuple[Direction, ...]]((), [])
    if isinstance(directions, list) and directions:
        own["direction"] = directions[0]
        further = _parse_directions(directions[1:])
    config = parse_section(SearchConfig, own, "search")
    sampler = _parse_choice(values.get("sampler"), SAMPLERS, "search.sampler")
    pruner = _parse_choice(values.get("pruner"), PRUNERS, "search.pruner")
    own_problems = [DIRECTION_MISSING if "search.direction is missing" in one else one for one in config.problems]
    problems = [*own_problems, *further.problems, *sampler.problems, *pruner.problems]
    if problems:
        return Parsed(None, problems)
    search = Search(config.section, sampler.section, pruner.section, further.section)
    problems = list(_cross_problems(search))
    return Parsed(None if problems else search, problems)


def _parse_directions(values: Sequence[Any]) -> Parsed[tuple[Direction, ...]]:
    known = [direction.value for direction in Direction]
    problems = [f"search.direction has {value!r}; use {' or '.join(known)}" for value in values if value not in known]
    return Parsed(None if problems else tuple(Direction(value) for value in values), problems)


def _parse_choice(values: Any, choices: Mapping[str, type], prefix: str) -> Parsed[Any]:
    name: Any = values.get("name") if isinstance(values, Mapping) else values
    if name not in choices:
        group = prefix.replace(".", "/")
        return Parsed(None, [f"{prefix} is {name!r}; {suggestion(str(name), choices)} (choose with {group}=...)"])
    return parse_section(choices[name], values, prefix)


def _cross_problems(search: Search) -> list[str]:
    problems = []
    factor = getattr(search.pruner, "reduction_factor", None)
    if factor is not None and factor < 2:
        problems.append(f"search.pruner.reduction_factor is {factor}; use a whole number of at least 2, e.g. 3")
    least, most = (getattr(search.pruner, key, None) for key in ("min_examples", "max_examples"))
    if least is not None and most is not None and least > most:
        problems.append(f"search.pruner.min_examples is {least}, above max_examples ({most}); swap them")
    if len(search.config.name.encode()) > MAX_NAME_BYTES:
        problems.append(f"search.name has more than {MAX_NAME_BYTES} bytes; it names a folder: use a shorter one")
    if not search.config.name or any(sign in search.config.name for sign in "/\\:\0") or search.config.name[0] == ".":
        problems.append(f"search.name is {search.config.name!r}; it names a folder: use letters, digits, '-' and '_'")
    return problems
