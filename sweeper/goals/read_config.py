"""The keys `objectives`, `constraints`, `pick` and `target` of the section `search`, or what is wrong with them."""

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

from slimtune.sweeper.goals.goals import COSTS, Constraint, Goals, Objective, Pick, goals_of
from slimtune.training.config.schema import Parsed, suggestion
from slimtune.training.config.task import METRIC_KEYS, Direction, TaskConfig, known_direction, scores_of
from slimtune.training.config.value_repairs import A_LIST

OBJECTIVE_KEYS, BOUND_KEYS, PICK_KEYS = ("metric", "direction"), ("min", "max"), ("best", "within")
RULES = ("first", "knee")
EXAMPLE = "search.objectives=[accuracy,trained_parameters]"


def parse_goals(values: Mapping[str, Any], directions: Sequence[Direction]) -> Parsed[Goals]:
    """The goals of a search, or every problem in them.

    Args:
        values: The section `search`.
        directions: Those of `search.direction`, which hold where no objective is named.
    """
    problems: list[str] = []
    given = values.get("objectives")
    unnamed = goals_of([way is Direction.maximize for way in directions]).objectives
    objectives = list(unnamed) if given is None else _objectives(given, problems)
    constraints = _constraints(values.get("constraints"), problems)
    names = [one.name for one in objectives]
    # what depends on the names is told when they are right
    pick = Pick() if problems else _pick(values.get("pick"), names, problems)
    targets = {} if problems else _targets(values.get("target"), names, problems)
    return Parsed(None if problems else Goals(tuple(objectives), tuple(constraints), pick, targets), problems)


def fixed_direction(name: str) -> Direction | None:
    """Which way is better, where that is known of the name."""
    return Direction.minimize if name in COSTS else known_direction(name)


def _objectives(given: Any, problems: list[str]) -> list[Objective]:
    if not isinstance(given, list) or not given:
        problems.append(f"search.objectives is {given!r}; {A_LIST} of what is to be made best: {EXAMPLE}")
        return []
    found = [one for place, item in enumerate(given) if (one := _objective(item, place, problems)) is not None]
    names = [one.name for one in found]
    problems += [
        f"search.objectives names {name} twice; once is enough"
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]
    return found


def _objective(item: Any, place: int, problems: list[str]) -> Objective | None:
    said = f"search.objectives[{place}]"
    values = {"metric": item} if isinstance(item, str) else item
    if not isinstance(values, Mapping) or not isinstance(values.get("metric"), str) or not values["metric"]:
        problems.append(f"{said} is {item!r}; use a name, or {{metric: <name>, direction: maximize}}")
        return None
    problems += [
        f"{said}.{key} is not a key; {suggestion(str(key), OBJECTIVE_KEYS)}"
        for key in values
        if key not in OBJECTIVE_KEYS
    ]
    way = _direction(values, said, problems)
    return None if way is None else Objective(values["metric"], way is Direction.maximize)


def _direction(values: Mapping[str, Any], said: str, problems: list[str]) -> Direction | None:
    name, given = values["metric"], values.get("direction")
    known, ways = fixed_direction(name), [way.value for way in Direction]
    if given is None:
        if known is None:
            problems.append(
                f"{said}: which way is {name} better? use {{metric: {name}, direction: {' or '.join(ways)}}}"
            )
        return known
    if given not in ways:
        problems.append(f"{said}.direction is {given!r}; use {' or '.join(ways)}")
        return None
    if known is not None and given != known.value:
        problems.append(f"{said}.direction is {given}, but the metric is {name}; use {known.value}")
    return Direction(given)


def _constraints(given: Any, problems: list[str]) -> list[Constraint]:
    if given is None:
        return []
    if not isinstance(given, Mapping):
        problems.append(f"search.constraints is {given!r}; use bounds by name, e.g. {{size_mb: {{max: 30}}}}")
        return []
    found = [_constraint(str(name), bounds, problems) for name, bounds in given.items()]
    return [one for one in found if one is not None]


def _constraint(name: str, bounds: Any, problems: list[str]) -> Constraint | None:
    said, before = f"search.constraints.{name}", len(problems)
    if bounds is None:
        # takes out what a file brings
        return None
    if not isinstance(bounds, Mapping):
        problems.append(f"{said} is {bounds!r}; use {{max: {bounds}}} or {{min: {bounds}}}")
        return None
    problems += [
        f"{said}.{key} is not a key; {suggestion(str(key), BOUND_KEYS)}" for key in bounds if key not in BOUND_KEYS
    ]
    least, most = (_number(bounds.get(key), f"{said}.{key}", problems) for key in BOUND_KEYS)
    if len(problems) == before and least is None and most is None:
        problems.append(f"{said} has no bound; give it min, max or both, e.g. {said}={{max: 30}}")
    if least is not None and most is not None and least > most:
        problems.append(f"{said}.min is {least:g}, above max ({most:g}); swap them")
    return Constraint(name, least, most) if len(problems) == before else None


def _number(value: Any, said: str, problems: list[str]) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, Real) or value != value:  # noqa: PLR0124  # NaN is no bound
        problems.append(f"{said} is {value!r}; use a number")
        return None
    return float(value)


def _pick(given: Any, names: Sequence[str], problems: list[str]) -> Pick:
    if given in (None, "first"):
        return Pick()
    before = len(problems)
    if not isinstance(given, Mapping):
        if given not in RULES:
            known = f"{', '.join(RULES)} or {{best: <objective>, within: {{<objective>: <number>}}}}"
            problems.append(f"search.pick is {given!r}; use {known}")
    else:
        problems += _within_problems(given, names)
    if len(names) < 2 and len(problems) == before:
        problems.append("search.pick chooses among several objectives, and there is one; name more, or use first")
    if len(problems) > before or not isinstance(given, Mapping):
        return Pick(str(given))
    return Pick("within", given["best"], {name: float(value) for name, value in given["within"].items()})


def _within_problems(given: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    problems = [
        f"search.pick.{key} is not a key; {suggestion(str(key), PICK_KEYS)}" for key in given if key not in PICK_KEYS
    ]
    best, within = given.get("best"), given.get("within")
    if best not in names:
        problems.append(f"search.pick.best is {best!r}, which is no objective; {suggestion(str(best), names)}")
    if not isinstance(within, Mapping) or not within:
        example = next((name for name in names if name != best), "accuracy")
        return [*problems, f"search.pick.within is {within!r}; say how much may be given up, e.g. {{{example}: 0.01}}"]
    for name, value in within.items():
        if name not in names or name == best:
            others = [one for one in names if one != best]
            problems.append(
                f"search.pick.within names {name}, which is no other objective; {suggestion(str(name), others)}"
            )
        if (_number(value, f"search.pick.within.{name}", problems) or 0.0) < 0 or value is None:
            problems.append(f"search.pick.within.{name} is {value}; use a number of at least 0, e.g. 0.01")
    return problems


def _targets(given: Any, names: Sequence[str], problems: list[str]) -> dict[str, float]:
    if given is None or not isinstance(given, Mapping):
        number = _number(given, "search.target", problems)
        if number is not None and len(names) > 1:
            problems.append(
                f"search.target is {number:g}, and there are several objectives; name them, "
                f"e.g. {{{names[0]}: {number:g}}}"
            )
        return {} if number is None else dict.fromkeys(names[:1], number)
    problems += [
        f"search.target names {name}, which is no objective; {suggestion(str(name), names)}"
        for name in given
        if name not in names
    ]
    found = {str(name): _number(value, f"search.target.{name}", problems) for name, value in given.items()}
    return {name: value for name, value in found.items() if value is not None}


def metric_problems(values: Mapping[str, Any], task: TaskConfig) -> list[str]:
    """Names that nothing of the task gives; what metrics of the user's own give is known when they are computed.

    Args:
        values: The section `search`, whatever else is wrong with it.
        task: What is measured.
    """
    if any(name not in METRIC_KEYS for name in task.metrics):
        return []
    known = [*scores_of(task.metrics), *COSTS]
    objectives, constraints = values.get("objectives"), values.get("constraints")
    given = objectives if isinstance(objectives, list) else []
    names = [item.get("metric") if isinstance(item, Mapping) else item for item in given]
    wanted = [("objectives", name) for name in names if isinstance(name, str)]
    wanted += [("constraints", str(name)) for name in constraints] if isinstance(constraints, Mapping) else []
    return [f"search.{key} has {name}; {suggestion(name, known)}" for key, name in wanted if name not in known]
