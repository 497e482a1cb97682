"""The keys that Hydra's Optuna sweeper has under `hydra.sweeper`, as slimtune's settings."""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeVar

from slimtune.sweeper.search.optuna_sweeper_keys.sampler_names import sampler_values
from slimtune.sweeper.space.dimension import Space
from slimtune.sweeper.space.override_text import override_value
from slimtune.sweeper.space.read_space import read_space
from slimtune.training.errors import ConfigError

log = logging.getLogger(__name__)
ValueT = TypeVar("ValueT")

PREFIX = "hydra.sweeper"
# that plugin's keys that stand as they are in slimtune's section `search`, by their name there
RENAMED = {"n_trials": "n_trials", "study_name": "name"}
OTHERS = (
    "direction",
    "sampler",
    "storage",
    "n_jobs",
    "max_failure_rate",
    "params",
    "search_space",
    "custom_search_space",
)
# which trials are a sequence instead of batches, in some versions; they always are here
SEQUENCE = "OptunaExperimentSequence"
DIRECTIONS = (None, "minimize", "maximize")
# what it runs at once where nothing is said
N_JOBS = 2


class PluginKeys(NamedTuple):
    """What they ask for.

    Attributes:
        search: Changes to the section `search`.
        params: Overrides in Hydra's sweep syntax, before those of the command line.
        space: Dimensions of the older key `search_space`.
        extension: Dotted path of a function that adds parameters to a trial.
        max_failure_rate: Share of the budget that may fail; None is any.
        problems: Of keys that ask for what cannot be done, which are left out.
    """

    search: Mapping[str, Any]
    params: list[str]
    space: Space
    extension: str | None
    max_failure_rate: float | None
    problems: list[str]


def has_plugin_keys(settings: Mapping[str, Any]) -> bool:
    """Whether any of them is set."""
    sampler = settings.get("sampler") or {}
    is_sampler = not isinstance(sampler, Mapping) or any(value is not None for value in sampler.values())
    rest = (*RENAMED, *(key for key in OTHERS if key != "sampler"))
    return is_sampler or any(settings.get(key) is not None for key in rest)


def read_plugin_keys(
    settings: Mapping[str, Any], defaults: Mapping[str, Mapping[str, Any]], *, is_serial: bool
) -> PluginKeys:
    """What they ask for.

    Args:
        settings: Everything under `hydra.sweeper`, as plain values.
        defaults: The options of slimtune's samplers, by name.
        is_serial: Whether the launcher runs one job after the other.
    """
    problems: list[str] = []
    nothing: dict[str, Any] = {}
    search = {own: settings[key] for key, own in RENAMED.items() if settings.get(key) is not None}
    _tried(partial(_check_sequence, settings.get("experiment_sequence")), None, problems)
    search |= _tried(partial(_direction, settings), {"direction": "minimize"}, problems)
    search |= _tried(partial(_storage, settings.get("storage")), nothing, problems)
    search["num_workers"] = _num_workers(settings, is_serial=is_serial)
    search |= _tried(partial(_sampler, settings, defaults), nothing, problems)
    older = partial(_older_space, settings.get("search_space"), is_used=settings.get("params") is None)
    return PluginKeys(
        search=search,
        params=_tried(partial(_params, settings.get("params")), [], problems),
        space=_tried(older, nothing, problems),
        extension=settings.get("custom_search_space"),
        max_failure_rate=_tried(partial(_rate, settings.get("max_failure_rate")), None, problems),
        problems=problems,
    )


def _tried(read: Callable[[], ValueT], otherwise: ValueT, problems: list[str]) -> ValueT:
    """What is read; its problems join the others."""
    try:
        return read()
    except ConfigError as error:
        problems += error.problems
        return otherwise


def _direction(settings: Mapping[str, Any]) -> dict[str, Any]:
    direction, own = settings.get("direction"), settings["search"]
    wrong = [one for one in (direction if isinstance(direction, list) else [direction]) if one not in DIRECTIONS]
    if wrong or direction == []:
        said = f"{PREFIX}.direction is {direction!r}; use minimize or maximize, or a list of them"
        raise ConfigError([said])
    if direction is not None:
        return {"direction": direction}
    if own.get("direction") not in (None, "???") or own.get("objectives") is not None:
        return {}
    log.info("%s.direction is not set: the search minimizes", PREFIX)
    return {"direction": "minimize"}


def _check_sequence(sequence: Any) -> None:
    if sequence is not None and str(sequence).rpartition(".")[2] != SEQUENCE:
        said = f"{PREFIX}.experiment_sequence is {sequence!r}; leave it out: each trial begins when a worker is free"
        raise ConfigError([said])


def _sampler(settings: Mapping[str, Any], defaults: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    sampler, own = settings.get("sampler") or {}, settings["search"].get("sampler")
    if not isinstance(sampler, Mapping):
        raise ConfigError([f"{PREFIX}.sampler is {sampler!r}; choose one with hydra/sweeper/sampler=tpe"])
    if not any(value is not None for value in sampler.values()):
        return {}
    seed = sampler.get("seed")
    values = sampler_values(sampler, own if isinstance(own, Mapping) else {}, defaults)
    return {"sampler": values, **({} if seed is None else {"seed": seed})}


def _storage(storage: Any) -> dict[str, Any]:
    if storage is None:
        return {}
    url = _url_of(storage) if isinstance(storage, Mapping) else storage
    if isinstance(url, str):
        if url is not storage:
            log.info("%s.storage: its place is used, and nothing else of it", PREFIX)
        return {"storage": url}
    raise ConfigError([f"{PREFIX}.storage is {storage!r}; give the URL of a database, e.g. sqlite:///study.db"])


def _url_of(storage: Mapping[str, Any]) -> Any:
    """Of an object of Optuna's that a config describes: RDBStorage, JournalStorage or GrpcStorageProxy."""
    kind = str(storage.get("_target_", ""))
    backend = next((one for one in storage.values() if isinstance(one, Mapping) and "file_path" in one), None)
    if backend is not None:
        return f"journal:///{backend['file_path']}"
    if kind.endswith("GrpcStorageProxy"):
        return f"grpc://{storage.get('host', 'localhost')}:{storage.get('port', 13000)}"
    return storage.get("url")


def _num_workers(settings: Mapping[str, Any], *, is_serial: bool) -> Any:
    n_jobs = settings.get("n_jobs")
    if not is_serial:
        # that plugin runs two at once where nothing is said, and slimtune one
        own = settings["search"].get("num_workers")
        return n_jobs if n_jobs is not None else max(own, N_JOBS) if isinstance(own, int) else N_JOBS
    if isinstance(n_jobs, int) and n_jobs > 1:
        log.info("%s.n_jobs is %d, but hydra/launcher=basic runs one job after the other: one worker", PREFIX, n_jobs)
    return 1 if n_jobs is None or (isinstance(n_jobs, int) and n_jobs > 0) else n_jobs


def _rate(rate: Any) -> float | None:
    if rate is None:
        return None
    if isinstance(rate, int | float) and not isinstance(rate, bool) and 0 <= rate <= 1:
        return float(rate)
    raise ConfigError([f"{PREFIX}.max_failure_rate is {rate!r}; use a share in [0, 1], e.g. 0.25"])


def _params(params: Any) -> list[str]:
    """As overrides; a text is Hydra's sweep syntax."""
    if params is not None and not isinstance(params, Mapping):
        raise ConfigError([f"{PREFIX}.params is {params!r}; write one line a key, e.g. x: interval(0, 1)"])
    given = {str(key): value for key, value in (params or {}).items()}
    nested = [key for key, value in given.items() if isinstance(value, Mapping) and value]
    if nested:
        inner = next(iter(given[nested[0]]))
        said = f"{PREFIX}.params.{nested[0]} is a mapping; write its keys with dots, e.g. {nested[0]}.{inner}: ..."
        raise ConfigError([said])
    return [f"{key}={value if isinstance(value, str) else override_value(value)}" for key, value in given.items()]


def _older_space(values: Any, *, is_used: bool) -> Space:
    if not values:
        return {}
    if not is_used:
        log.warning("%s.search_space is not read, since %s.params is there", PREFIX, PREFIX)
        return {}
    if not isinstance(values, Mapping):
        raise ConfigError([f"{PREFIX}.search_space is {values!r}; write one dimension a key under {PREFIX}.params"])
    found = read_space({str(key): _newer(value) for key, value in values.items()})
    if found.problems:
        raise ConfigError([problem.replace("space.", f"{PREFIX}.search_space.", 1) for problem in found.problems])
    return found.space


def _newer(dimension: Any) -> Any:
    """One of its dimensions as one of ours."""
    if not isinstance(dimension, Mapping):
        return dimension
    given = {key: value for key, value in dimension.items() if value is not None}
    if given.get("type") == "categorical":
        return {
            "type": "choice",
            **{("values" if key == "choices" else key): given[key] for key in given if key != "type"},
        }
    if given.get("type") == "int":
        given |= {key: int(given[key]) for key in ("low", "high", "step") if isinstance(given.get(key), float)}
    return given
