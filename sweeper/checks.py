"""All problems of a composed config, found without loading anything."""

from collections.abc import Mapping
from typing import Any

from slimtune.export.config import OnnxExport, export_problems, parse_export
from slimtune.sweeper.search_config import Search, parse_search
from slimtune.training.config.task import Direction
from slimtune.training.config.trial import parse_trial
from slimtune.training.errors import ConfigError
from slimtune.training.tracking.uri import has_password


def problems_of(values: Mapping[str, Any]) -> list[str]:
    """One sentence a problem."""
    trial, search = parse_trial(values), parse_search(values.get("search") or {})
    export = parse_export(values.get("export"))
    problems = [*trial.problems, *search.problems, *export.problems]
    if trial.section is not None and isinstance(export.section, OnnxExport):
        problems += export_problems(trial.section, export.section)
    if trial.section is not None and search.section is not None:
        problems += _direction_problems(maximize=trial.section.task.maximize, search=search.section, values=values)
        problems += _password_problems(trial.section.tracking.uri, "tracking.uri")
        problems += _password_problems(search.section.config.storage, "search.storage")
    return problems


def checked_search(values: Mapping[str, Any]) -> Search:
    """The search settings of a config that is valid in all its parts.

    Raises:
        ConfigError: All problems at once.
    """
    problems = problems_of(values)
    if problems:
        raise ConfigError(problems)
    search: Search = parse_search(values["search"]).section
    return search


def _direction_problems(*, maximize: bool, search: Search, values: Mapping[str, Any]) -> list[str]:
    fitting = Direction.maximize if maximize else Direction.minimize
    if search.config.direction is fitting:
        return []
    metric = values["task"]["metric"]
    return [f"search.direction is {search.config.direction.value}, but task.metric is {metric}; use {fitting.value}"]


def _password_problems(uri: str | None, key: str) -> list[str]:
    if uri is None or not has_password(uri):
        return []
    return [f"{key} has a password in it, which would be logged; use the environment (PGPASSWORD, MLFLOW_TRACKING_...)"]
