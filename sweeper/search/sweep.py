"""A sweep from the command line's arguments to the campaign's end."""

import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from hydra.core.config_loader import ConfigLoader
from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from slimtune.sweeper.config_values import known_keys, plain, with_values
from slimtune.sweeper.search_config import Search, parse_search
from slimtune.sweeper.space.space import Scalar, Space, edges, point_in, read_space
from slimtune.sweeper.space.sweep_syntax import override_lines, read_arguments
from slimtune.training.config.dotted_path import imported
from slimtune.training.config.schema import suggestion
from slimtune.training.errors import ConfigError, StoreError

log = logging.getLogger(__name__)

POLL_SECONDS = 2.0
# of apps that name none
HYDRA_CAMPAIGN = "slimtune.sweeper.campaigns.hydra_campaign.HydraCampaign"
# launches without a new trial after which something is wrong with the launcher itself
MAX_IDLE_LAUNCHES = 3
DEAD_WORKERS = (
    "TerminatedWorkerError",
    "BrokenProcessPool",
    "UncompletedJobError",
    "RayActorError",
    "WorkerCrashedError",
)


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
        return self.search.config.storage or f"sqlite:///{self.folder / 'study.db'}"

    def start_point(self) -> Mapping[str, Scalar]:
        """What the first trial takes: the config's own values, as far as the space holds them."""
        if not self.search.config.start_from_config:
            return {}
        choices = self.app.config.hydra.runtime.choices
        point = point_in(self.space, self.values, choices)
        if open_keys := self.space.keys() - point.keys():
            log.debug("the first trial takes the config's own point, but for %s", ", ".join(sorted(open_keys)))
        return point


class Campaign(Protocol):
    """What happens around a search."""

    def check(self, request: SweepRequest) -> Sequence[str]:
        """Problems of the config, before anything heavy is imported."""

    def run(self, request: SweepRequest) -> Any:
        """Prepare, search, and make something of the result."""


class Watched(Protocol):
    """What `search` needs of a study."""

    def num_unfinished(self) -> int: ...

    def num_open(self) -> int: ...

    def num_begun(self) -> int: ...

    def free_lost(self) -> object: ...


def run_sweep(app: HydraApp, arguments: Sequence[str]) -> Any:
    """Run a sweep to its end, or go on with one.

    Raises:
        ConfigError: All problems of the config at once, before the first trial.
        UserError: Data, model or store cannot be used.
    """
    request, campaign = read_request(app, arguments)
    request.folder.mkdir(parents=True, exist_ok=True)
    with _alone(request.folder):
        return campaign.run(request)


def read_request(app: HydraApp, arguments: Sequence[str]) -> tuple[SweepRequest, Campaign]:
    """Everything that a sweep is, or all that is wrong with it.

    Raises:
        ConfigError: The problems.
    """
    settings: Any = OmegaConf.to_container(app.config.hydra.sweeper, resolve=True)
    parsed = parse_search(settings["search"])
    given = read_arguments(arguments, app.context.config_loader)
    configured = read_space(settings["space"] or {})
    # what the command line fixes is not searched
    space = {key: dimension for key, dimension in configured.space.items() if key not in given.fixed_keys}
    space |= given.space
    campaign: Campaign = imported(settings["campaign"] or HYDRA_CAMPAIGN, said="hydra.sweeper.campaign is")()
    unknown = _unknown_dimensions(app, {key: space[key] for key in space.keys() - given.added})
    nothing = [] if space else ["nothing is searched; sweep a key, e.g. 'fit.learning_rate=interval(1e-4,1e-3)'"]
    problems = [*parsed.problems, *configured.problems, *unknown, *nothing]
    request = SweepRequest(
        app=app,
        search=parsed.section,
        space=space,
        fixed=given.fixed,
        values=plain(app.config),
        folder=Path(str(app.config.hydra.sweep.dir)).absolute(),
        worker_entry=settings["worker"],
        arguments=arguments,
    )
    problems += campaign.check(request)
    problems += [] if parsed.problems else _launcher_problems(app, parsed.section)
    problems += [] if problems else _edge_problems(request, campaign)
    if problems:
        # the campaign looks at the search's own section too
        raise ConfigError(list(dict.fromkeys(problems)))
    return request, campaign


def search(study: Watched, launcher: Launcher, *, num_workers: int, first_choices: Sequence[str]) -> None:
    """Launch workers until every place of the budget has an outcome."""
    idle_launches = 0
    while study.num_unfinished() > 0:
        begun = study.num_begun()
        study.free_lost()
        if study.num_open() > 0:
            _launch(launcher, num_workers, first_choices)
        else:
            # the rest runs in workers of another machine
            time.sleep(POLL_SECONDS)
        is_idle = study.num_open() > 0 and study.num_begun() == begun
        idle_launches = idle_launches + 1 if is_idle else 0
        if idle_launches >= MAX_IDLE_LAUNCHES:
            raise StoreError(f"{idle_launches} launches of workers in a row ended without a trial; see their logs")


def make_launcher(app: HydraApp, worker: TaskFunction) -> Launcher:
    """The configured launcher, with our worker as its task."""
    return Plugins.instance().instantiate_launcher(hydra_context=app.context, task_function=worker, config=app.config)


def first_choices(request: SweepRequest) -> list[str]:
    """Overrides with which a worker's own config composes, although searched keys may have no default."""
    firsts = {key: edges(dimension)[0] for key, dimension in request.space.items()}
    return [*request.fixed, *override_lines(firsts, request.app.context.config_loader)]


def _launch(launcher: Launcher, num_workers: int, overrides: Sequence[str]) -> None:
    jobs = [[*overrides, f"hydra.sweep.subdir=workers/{index}"] for index in range(num_workers)]
    try:
        results = launcher.launch(jobs, initial_job_idx=0)
    except Exception as error:
        if type(error).__name__ not in DEAD_WORKERS:
            raise
        log.warning("a worker died (%s); its trial is tried again", type(error).__name__)
        return
    for result in results:
        # `return_value` would print about the job, where the error says more
        if isinstance(result._return_value, BaseException):
            raise result._return_value


def _unknown_dimensions(app: HydraApp, space: Space) -> list[str]:
    known = known_keys(app.config) - {key for key in known_keys(app.config) if key.startswith("hydra")}
    loader: ConfigLoader = app.context.config_loader
    return [
        f"space.{key} is not a key of the config; {suggestion(key, known)}"
        for key in space
        if key not in known and not loader.get_group_options(key.lstrip("+"))
    ]


def _launcher_problems(app: HydraApp, wanted: Search) -> list[str]:
    is_serial = app.config.hydra.launcher._target_.endswith(".BasicLauncher")
    if is_serial and wanted.config.num_workers > 1:
        return [
            f"search.num_workers is {wanted.config.num_workers}, but hydra/launcher=basic runs one job after the "
            "other; add hydra/launcher=joblib"
        ]
    return []


def _edge_problems(request: SweepRequest, campaign: Campaign) -> list[str]:
    """Problems that the ends of a dimension would cause, found by checking the config with each of them."""
    problems: list[str] = []
    for key, dimension in request.space.items():
        for value in edges(dimension):
            try:
                composed = _with(request, key, value)
            except Exception as error:  # noqa: BLE001  # whatever composing says is a problem of this value
                problems.append(f"space.{key}: {value!r} does not compose: {str(error).splitlines()[0]}")
                continue
            changed = SweepRequest(**{**_fields(request), "values": plain(composed)})
            problems += [f"space.{key}: {problem}" for problem in campaign.check(changed)]
    return problems


def _with(request: SweepRequest, key: str, value: Scalar) -> DictConfig:
    """The config with one value changed."""
    loader = request.app.context.config_loader
    changed = with_values(request.app.config, {key: value}, loader)
    if changed is None:
        lines = [*request.fixed, *override_lines({key: value}, loader)]
        changed = loader.load_sweep_config(request.app.config, lines)
    return changed


def _fields(request: SweepRequest) -> dict[str, Any]:
    return {name: getattr(request, name) for name in SweepRequest.__dataclass_fields__}


def _alone(folder: Path) -> AbstractContextManager[object]:
    """One launching process a sweep."""
    # it imports asyncio, which a config error need not wait for
    from filelock import FileLock, Timeout

    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise StoreError(
            f"the sweep in {folder} is running in another process; wait for it, or take another search.name"
        ) from None
    return lock
