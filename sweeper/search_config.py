"""The types of the search's config. Values live in `conf/search/`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from slimtune.sweeper.goals.goals import Goals
from slimtune.sweeper.goals.read_config import parse_goals
from slimtune.sweeper.pruner_config import Hyperband, PrunerConfig, parse_pruner
from slimtune.sweeper.sampler_config import SAMPLERS, CmaEsSearch, SamplerConfig, sampler_problems
from slimtune.training.config.schema import Parsed, above_zero, not_negative, parse_choice, parse_section, seed
from slimtune.training.config.task import Direction
from slimtune.training.tracking.uri import sqlite_url
from slimtune.training.usual_places import STUDY_FILE


class Rungs(NamedTuple):
    """What a sweep's trials have in common, in training examples: the evaluation cadence and the longest trial."""

    eval_every: int
    longest: int


@dataclass(slots=True, kw_only=True)
class SearchConfig:
    """The budget and the rules of a search.

    Attributes:
        name: The sweep's name: its folder under `outputs/` and its experiment in the tracker.
        n_trials: Total budget, over all runs of the same command.
        direction: Whether more or less of the objective is better; of several, of the first.
        objectives: What is made best, by name; null is the task's metric, or what a task function returns.
        constraints: Bounds by name, `{size_mb: {max: 30}}`; a trial that breaks one is never taken.
        pick: Which trial of the Pareto set wins, where there are several objectives.
        seed: Fixes what the sampler suggests.
        start_from_config: The first trial takes the config's own values, where the space holds them.
        stop_hopeless: Beside the pruner, stop a trial whose learning curve cannot reach the best trial any more.
        max_minutes: No trial begins when trials have run for so long, over all runs of the same command.
        max_trials_without_better: No trial begins when as many have ended since the best one.
        target: No trial begins when a trial has reached this objective, or all of these, by name.
        max_failures: The search ends with an error when as many trials have failed.
        enqueue: Points that are tried first, after the config's own: values by key.
        warm_start: Another sweep, by its name or folder, whose trials this one begins with.
        warm_start_points: Best points of that sweep that are tried first.
        storage: URL of the study; null is an SQLite file in the sweep's folder.
        num_workers: Workers that are launched at once.
        max_retries: How often a trial whose worker died or hung is tried again.
        trial_timeout_minutes: A trial that has run for so long is ended, and has failed.
        step_timeout_minutes: A worker whose trials make no step for so long is interrupted; they are tried again.
        finalists: Best trials that are rerun before one is chosen.
        rerun_seeds: Fresh seeds that each finalist is rerun with, at most.
    """

    name: str
    n_trials: int = field(metadata=above_zero(20))
    direction: Direction
    objectives: Any
    constraints: Any
    pick: Any
    seed: int = field(metadata=seed())
    start_from_config: bool
    stop_hopeless: bool
    max_minutes: float | None = field(metadata=above_zero(60))
    max_trials_without_better: int | None = field(metadata=above_zero(10))
    target: Any
    max_failures: int | None = field(metadata=above_zero(5))
    enqueue: list[dict[str, Any]]
    warm_start: str | None
    warm_start_points: int = field(metadata=not_negative(3))
    storage: str | None
    num_workers: int = field(metadata=above_zero(1))
    max_retries: int = field(metadata=not_negative(2))
    trial_timeout_minutes: float | None = field(metadata=above_zero(90))
    step_timeout_minutes: float | None = field(metadata=above_zero(30))
    finalists: int = field(metadata=above_zero(3))
    rerun_seeds: int = field(metadata=not_negative(2))


class StopRules(NamedTuple):
    """When a search ends before its budget is gone; what is None never ends it.

    Attributes:
        max_minutes: Trials have run for so long.
        max_trials_without_better: As many trials have ended since the best one.
        target: A trial has reached these values, by objective.
        max_failures: As many trials have failed.
    """

    max_minutes: float | None = None
    max_trials_without_better: int | None = None
    target: Mapping[str, float] | None = None
    max_failures: int | None = None


class TrialLimits(NamedTuple):
    """How long a trial may take; None is any time.

    Attributes:
        trial_minutes: For all of it.
        step_minutes: For one step; loading a model and evaluating it are steps too.
    """

    trial_minutes: float | None = None
    step_minutes: float | None = None


class Search(NamedTuple):
    """The search as a whole.

    Attributes:
        config: Its own keys.
        sampler: How trials are suggested.
        pruner: How trials are stopped.
        goals: The objectives by name, constraints, and what is picked.
    """

    config: SearchConfig
    sampler: SamplerConfig
    pruner: PrunerConfig
    goals: Goals = Goals()

    @property
    def stop_rules(self) -> StopRules:
        """When no further trial begins."""
        config, targets = self.config, self.goals.targets or None
        return StopRules(config.max_minutes, config.max_trials_without_better, targets, config.max_failures)

    @property
    def trial_limits(self) -> TrialLimits:
        """How long a trial may take."""
        return TrialLimits(self.config.trial_timeout_minutes, self.config.step_timeout_minutes)

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
    directions = _parse_directions(own.get("direction"))
    goals = parse_goals(values, directions.found or ())
    if goals.found is not None and goals.found.objectives:
        own["direction"] = _direction(goals.found.objectives[0].maximize).value
    config = parse_section(SearchConfig, own, "search")
    sampler = parse_choice(values.get("sampler"), SAMPLERS, "search.sampler")
    pruner = parse_pruner(values.get("pruner"), "search.pruner")
    own_problems = [DIRECTION_MISSING if "search.direction is missing" in one else one for one in config.problems]
    problems = [*own_problems, *directions.problems, *goals.problems, *sampler.problems, *pruner.problems]
    if problems:
        return Parsed(None, list(dict.fromkeys(problems)))
    search = Search(config.section, sampler.section, pruner.section, goals.section)
    problems = list(_cross_problems(search))
    return Parsed(None if problems else search, problems)


def _parse_directions(given: Any) -> Parsed[tuple[Direction, ...]]:
    """Those of a text or of a list; none of what is told elsewhere."""
    known = [direction.value for direction in Direction]
    values = given if isinstance(given, list) else [given] if given in known else []
    problems = [f"search.direction has {value!r}; use {' or '.join(known)}" for value in values if value not in known]
    return Parsed(None if problems else tuple(Direction(value) for value in values), problems)


def _direction(maximize: bool) -> Direction:
    return Direction.maximize if maximize else Direction.minimize


def _goal_problems(search: Search) -> list[str]:
    """Samplers and pruners that cannot do what the goals ask for."""
    problems = []
    if search.goals.several and isinstance(search.sampler, CmaEsSearch):
        count = len(search.goals.objectives)
        problems.append(
            f"search.sampler is cmaes, which knows one objective, and there are {count}; use tpe, gp or nsga2"
        )
    if search.goals.constraints and isinstance(search.pruner, Hyperband):
        problems.append(
            "search.pruner is hyperband, which compares with trials that break a constraint too; use successive_halving"
        )
    return problems


def _cross_problems(search: Search) -> Sequence[str]:
    name = search.config.name
    problems = [*sampler_problems(search.sampler, "search.sampler"), *_goal_problems(search)]
    if len(name.encode()) > MAX_NAME_BYTES:
        problems.append(f"search.name has more than {MAX_NAME_BYTES} bytes; it names a folder: use a shorter one")
    if not name.strip() or any(sign in name for sign in "/\\:\0") or name[0] == ".":
        problems.append(f"search.name is {name!r}; it names a folder: leave out /, \\ and :, and a first point")
    return problems
