"""What a sweep is asked to do."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from slimtune.sweeper.search_config import Search, study_url
from slimtune.sweeper.space.dimension import Scalar, Space, edges
from slimtune.sweeper.space.override_text import override_lines
from slimtune.sweeper.space.start_point import point_in

log = logging.getLogger(__name__)


class HydraApp(NamedTuple):
    """What Hydra hands to a sweeper."""

    context: HydraContext
    task_function: TaskFunction
    config: DictConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepRequest:
    """A sweep that is asked for, checked as far as Hydra and the search go.

    Attributes:
        app: The Hydra app.
        search: Budget, sampler, pruner, storage.
        space: What is searched.
        fixed: Overrides that hold for every trial.
        values: The app's composed config as plain values.
        folder: The sweep's folder, absolute.
        worker_entry: Dotted path of what runs trials in a worker, or None for the app's task function.
        arguments: All overrides, as given.
    """

    app: HydraApp
    search: Search
    space: Space
    fixed: Sequence[str]
    values: Mapping[str, Any]
    folder: Path
    worker_entry: str | None
    arguments: Sequence[str]

    @property
    def storage(self) -> str:
        """The study's storage: as configured, or SQLite in the sweep's folder."""
        return self.search.config.storage or study_url(self.folder)

    def start_point(self) -> Mapping[str, Scalar]:
        """What the first trial takes: the config's own values, as far as the space holds them."""
        if not self.search.config.start_from_config:
            return {}
        choices = self.app.config.hydra.runtime.choices
        point = point_in(self.space, self.values, choices)
        if open_keys := self.space.keys() - point.keys():
            log.debug("the first trial takes the config's own point, but for %s", ", ".join(sorted(open_keys)))
        return point


def first_choices(request: SweepRequest) -> list[str]:
    """Overrides with which a worker's own config composes, although searched keys may have no default."""
    firsts = {key: edges(dimension)[0] for key, dimension in request.space.items()}
    return [*request.fixed, *override_lines(firsts, request.app.context.config_loader)]
