"""In what the goals of a search differ from those that it was begun with, by the keys of the config."""

from collections.abc import Mapping, Sequence
from typing import Any

from slimtune.sweeper.goals.goals import UNNAMED
from slimtune.sweeper.goals.read_config import fixed_direction

NONE = "null"
ANEW = "take another search.name, or remove the sweep's folder to begin anew"


def goals_difference(known: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """The keys that differ, each with what it was and what it is; None if no key does.

    Args:
        known: Those of a study, as `Goals.described` has them.
        now: What is asked for, likewise.
    """
    told = [one for key in ("objectives", "constraints") if (one := _difference(key, known[key], now[key])) is not None]
    return "; ".join(told) or None


def begun_otherwise(name: str, difference: str) -> str:
    """What is said of a search whose trials were measured by other goals."""
    return f"the search '{name}' was begun with other goals, so that its trials do not compare: {difference}; {ANEW}"


def _difference(key: str, known: Sequence[Sequence[Any]], now: Sequence[Sequence[Any]]) -> str | None:
    before, after = [list(one) for one in known], [list(one) for one in now]
    if before == after:
        return None
    if key == "constraints":
        return f"search.constraints was {_bounds(before)} and is {_bounds(after)}"
    if _is_unnamed(before) and _is_unnamed(after):
        ways = (" and ".join(way for _, way in one) for one in (before, after))
        return "search.direction was {} and is {} (it follows task.metric and task.direction)".format(*ways)
    return f"search.objectives was {_objectives(before)} and is {_objectives(after)}"


def _is_unnamed(objectives: Sequence[Sequence[str]]) -> bool:
    return all(name.startswith(UNNAMED) for name, _ in objectives)


def _objectives(given: Sequence[Sequence[str]]) -> str:
    """As the key has them; a direction that nobody has to give is left out."""
    if _is_unnamed(given):
        return NONE
    return f"[{', '.join(_objective(name, way) for name, way in given)}]"


def _objective(name: str, way: str) -> str:
    fixed = fixed_direction(name)
    return name if fixed is not None and fixed.value == way else f"{{metric: {name}, direction: {way}}}"


def _bounds(given: Sequence[Sequence[Any]]) -> str:
    if not given:
        return NONE
    return f"{{{', '.join(f'{name}: {_ends(least, most)}' for name, least, most in given)}}}"


def _ends(least: float | None, most: float | None) -> str:
    told = [f"{end}: {value:g}" for end, value in (("min", least), ("max", most)) if value is not None]
    return f"{{{', '.join(told)}}}"
