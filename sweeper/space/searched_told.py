"""What a sweep searches, what of it a person has fixed, and what it goes by, before the first trial."""

from collections.abc import Mapping
from typing import Any

from slimtune.sweeper.config_values import value_at
from slimtune.sweeper.goals.goals import Goals
from slimtune.sweeper.space.dimension import Choice, Dimension
from slimtune.sweeper.space.read_space import read_space
from slimtune.sweeper.space.search_space import SearchSpace
from slimtune.training.listed_names import with_commas

# of a list of values that is shown whole
MOST_VALUES = 8
SPACE = "space"


# what a check of either command may find
NOTHING = "nothing, as slimtune train has it; slimtune sweep asks for a key to search"


def searched_lines(space: SearchSpace, values: Mapping[str, Any]) -> list[str]:
    """One line of what is searched, and one of the keys that have a space and one value all the same.

    Args:
        space: What is searched.
        values: The config, with its section `space`.
    """
    dimensions = [f"{step.name} {told_dimension(step.dimension)}" for step in space.every_step()]
    if space.is_open:
        dimensions.append("and what the function of your own adds")
    section = values.get(SPACE)
    known = read_space(section).space if isinstance(section, Mapping) else {}
    searched = {key.lstrip("+") for key in space.searched_keys()}
    fixed = [key.lstrip("+") for key in known if key.lstrip("+") not in searched]
    lines = [f"searched: {', '.join(dimensions) or NOTHING}"]
    if fixed:
        lines.append(f"fixed by you, not searched: {', '.join(f'{key}={value_at(key, values)}' for key in fixed)}")
    return lines


def goals_line(goals: Goals) -> str:
    """As `goes by: accuracy, more is better`.

    Args:
        goals: With a name for each objective.
    """
    told = [f"{one.name}, {'more' if one.maximize else 'less'} is better" for one in goals.objectives]
    bounds = with_commas(one.name for one in goals.constraints)
    kept = f"; within search.constraints of {bounds}" if bounds else ""
    return f"goes by: {'; '.join(told)}{kept}"


def told_dimension(dimension: Dimension) -> str:
    """As `1e-4 to 0.01 (log)`, or `8 | 16 | 32`."""
    if isinstance(dimension, Choice):
        shown = [str(value) for value in dimension.values[:MOST_VALUES]]
        more = len(dimension.values) - len(shown)
        return " | ".join(shown) + (f" and {more} more" if more else "")
    usual = 1 if isinstance(dimension.low, int) and isinstance(dimension.high, int) else None
    extras = ["log"] * dimension.log + ([] if dimension.step in (None, usual) else [f"step {dimension.step:g}"])
    ends = f"{dimension.low:g} to {dimension.high:g}"
    return f"{ends} ({', '.join(extras)})" if extras else ends
