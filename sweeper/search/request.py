"""What a sweep is asked to do."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from slimtune.sweeper.search_config import Search, StopRules, study_url
from slimtune.sweeper.space.dimension import Scalar, edges
from slimtune.sweeper.space.override_text import override_lines
from slimtune.sweeper.space.search_space import SearchSpace
from slimtune.sweeper.space.start_point import point_in
from slimtune.sweeper.storage_url import absolute

log = logging.getLogger(__name__)


class HydraApp(NamedTuple):
    """What Hydra hands to a sweeper."""

    context: HydraContext
    task_function: TaskFunction
    config: DictConfig

    @property
    def options(self) -> Mapping[str, Any]:
        """The options of the config groups that the config was composed with; `???` where none was chosen yet."""
        options: Mapping[str, Any] = OmegaConf.to_container(self.config.hydra.runtime.choices)  # type: ignore[assignment]
        return options


class OtherOptions(NamedTuple):
    """The config with other options of the searched groups than the first trial has.

    Attributes:
        label: These options, as they are given on the command line.
        values: Plain values, as of `SweepRequest.tried`.
    """

    label: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepRequest:
    """A sweep that is asked for, checked as far as Hydra and the search go.

    Attributes:
        app: The Hydra app.
        search: Budget, sampler, pruner, storage.
        space: What is searched.
        fixed: Overrides that hold for every trial, or for those of the first branch.
        choices: The options of the searched groups that the first trial takes.
        values: The config with these options, as plain values.
        tried: The same as a trial may have it: searched keys whose own value no trial has are set to one that is
            searched. What is looked at before the first trial is looked at with these.
        firsts: These keys and values.
        others: The config with the other options.
        seeds: Ends of what trials may have as `fit.seed`.
        folder: The sweep's folder, absolute.
        worker_entry: Dotted path of what runs trials in a worker, or None for the app's task function.
        arguments: All overrides, as given.
        added: Keys that are given with a `+`.
        extension: Dotted path of a function that adds parameters to each trial.
        max_failures: How many failed trials end the search by `hydra.sweeper.max_failure_rate`; None is any number.
    """

    app: HydraApp
    search: Search
    space: SearchSpace
    fixed: Sequence[str]
    choices: Mapping[str, Scalar]
    values: Mapping[str, Any]
    tried: Mapping[str, Any] = field(default_factory=dict)
    firsts: Mapping[str, Scalar] = field(default_factory=dict)
    others: Sequence[OtherOptions] = ()
    seeds: Sequence[int] = ()
    folder: Path
    worker_entry: str | None
    arguments: Sequence[str]
    added: frozenset[str] = frozenset()
    extension: str | None = None
    max_failures: int | None = None

    @property
    def stop_rules(self) -> StopRules:
        """When no further trial begins; of two limits of failures the lower one holds."""
        rules = self.search.stop_rules
        limits = [limit for limit in (rules.max_failures, self.max_failures) if limit is not None]
        return rules._replace(max_failures=min(limits, default=None))

    @property
    def storage(self) -> str:
        """The study's storage: as configured, or SQLite in the sweep's folder."""
        return absolute(self.search.config.storage or study_url(self.folder))

    def start_point(self) -> Mapping[str, Scalar]:
        """What the first trial takes: the config's own values, as far as the space holds them."""
        if not self.search.config.start_from_config:
            return {}
        searched = {key: dimension for _, key, dimension in self.space.steps(self.choices)}
        point = point_in(searched, self.values, {**self.app.options, **self.choices})
        if open_keys := searched.keys() - point.keys():
            log.debug("the first trial takes the config's own point, but for %s", ", ".join(sorted(open_keys)))
        return point

    def command_line(self) -> list[str]:
        """All overrides, Hydra's own among them: what begins the same sweep again."""
        own = [str(line) for line in self.app.config.hydra.overrides.hydra]
        return [*self.arguments, *(line for line in own if not line.startswith("hydra.mode="))]

    def fixed_for(self, params: Mapping[str, Scalar]) -> Sequence[str]:
        """Overrides that hold for a trial with these values."""
        branch = self.space.branch_of(params)
        return self.fixed if branch is None else branch.fixed

    def num_trials(self) -> int:
        """The budget; no more than there are points."""
        num_points = self.space.num_points()
        wanted = self.search.config.n_trials
        return wanted if num_points is None else min(wanted, num_points)


def first_choices(request: SweepRequest) -> list[str]:
    """Overrides with which a worker's own config composes, although searched keys may have no default."""
    firsts: dict[str, Scalar] = dict(request.choices)
    for _, key, dimension in request.space.steps(firsts):
        firsts.setdefault(key, edges(dimension)[0])
    return [*request.fixed, *override_lines(firsts, request.app.context.config_loader)]
