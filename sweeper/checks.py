"""All problems of a composed config, found without loading anything."""

from collections.abc import Mapping
from typing import Any

from slimtune.export.config import OnnxExport, export_problems, parse_export
from slimtune.export.promotion.config import parse_promotion
from slimtune.sweeper.config_values import value_at
from slimtune.sweeper.goals.goals import UNNAMED
from slimtune.sweeper.goals.ranges import gain_problems, range_problems
from slimtune.sweeper.goals.read_config import metric_problems
from slimtune.sweeper.optional_packages import missing_packages
from slimtune.sweeper.pruner_config import RankTest, pruners_in
from slimtune.sweeper.search_config import Search, parse_search
from slimtune.sweeper.storage_url import storage_problems
from slimtune.training.config.task import Direction, TaskConfig
from slimtune.training.config.trial import parse_trial
from slimtune.training.config.trust import code_of, libraries_in, trust_own
from slimtune.training.errors import ConfigError
from slimtune.training.tracking.uri import has_password


def problems_of(values: Mapping[str, Any]) -> list[str]:
    """One sentence a problem."""
    trial, search = parse_trial(values), parse_search(_with_direction(values))
    export = parse_export(values.get("export"))
    problems = [*trial.problems, *search.problems, *export.problems]
    promotion = parse_promotion(values.get("promotion"))
    problems += promotion.problems
    if trial.found is not None:
        problems += metric_problems(values.get("search") or {}, trial.found.task)
        problems += range_problems(values.get("search") or {}, trial.found.task)
        problems += gain_problems(promotion.found, trial.found.task)
    if trial.found is not None and isinstance(export.found, OnnxExport):
        problems += export_problems(trial.found, export.found)
    if trial.found is not None and export.found is not None:
        problems += missing_packages(trial.found, export.found)
    if trial.found is not None and search.found is not None:
        problems += _direction_problems(maximize=trial.found.task.maximize, search=search.found, values=values)
        problems += _part_problems(search.found, trial.found.task)
        problems += _password_problems(trial.found.tracking.uri, "tracking.uri")
        problems += storage_problems(search.found.config.storage, "search.storage")
    return problems


def note_own_code(values: Mapping[str, Any]) -> None:
    """Code that the user's own command names is theirs: what it writes may name it again."""
    trial, export = parse_trial(values), parse_export(values.get("export"))
    if trial.found is not None:
        trust_own(code_of(trial.found))
    if isinstance(export.found, OnnxExport):
        trust_own(libraries_in({"provider_options": dict(export.found.target.provider_options)}, "target"))


def checked_search(values: Mapping[str, Any]) -> Search:
    """The search settings of a config that is valid in all its parts.

    Raises:
        ConfigError: All problems at once.
    """
    problems = problems_of(values)
    if problems:
        raise ConfigError(problems)
    return parse_search(values["search"]).section


def _with_direction(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The section `search`; a direction that it lacks as the task does is told once, of the task."""
    own = values.get("search") or {}
    lacks = "direction" in own and own["direction"] is None and value_at("task.direction", values) is None
    return {**own, "direction": Direction.maximize.value} if lacks else own


def _direction_problems(*, maximize: bool, search: Search, values: Mapping[str, Any]) -> list[str]:
    if isinstance(given := values["search"].get("direction"), list):
        return [
            "search.direction is a list; name what is made best, e.g. search.objectives=[accuracy,trained_parameters]"
        ]
    metric = values["task"]["metric"]
    fitting = Direction.maximize if maximize else Direction.minimize
    # with objectives that have names, the section has the direction of the first one
    if given == fitting.value:
        return []
    if values["search"].get("objectives") is not None:
        return ["search.direction and search.objectives are both set; leave direction out: each objective has its own"]
    return [f"search.direction is {search.config.direction.value}, but task.metric is {metric}; use {fitting.value}"]


def _part_problems(search: Search, task: TaskConfig) -> list[str]:
    """Parts of the validation rows are scored by the task's metric."""
    name = search.goals.objectives[0].name
    if name in (UNNAMED, task.metric) or not any(isinstance(one, RankTest) for one in pruners_in(search.pruner)):
        return []
    return [f"search.pruner is wilcoxon, which compares task.metric ({task.metric}), and the objective is {name}"]


def _password_problems(uri: str | None, key: str) -> list[str]:
    if uri is None or not has_password(uri):
        return []
    return [f"{key} has a password in it, which would be logged; use the environment (PGPASSWORD, MLFLOW_TRACKING_...)"]
