"""The config's own point of a search space."""

from collections.abc import Mapping
from typing import Any

from slimtune.sweeper.space.dimension import Choice, FloatRange, IntRange, Scalar, Space
from slimtune.sweeper.space.override_text import choice_value


def point_in(space: Space, values: Mapping[str, Any], choices: Mapping[str, Any]) -> dict[str, Scalar]:
    """The config's own point of a space: each searched key's present value, where its dimension holds it.

    Args:
        space: What is searched.
        values: The composed config.
        choices: The options that its config groups were composed with.
    """
    point: dict[str, Scalar] = {}
    for key, dimension in space.items():
        name = key.lstrip("+")
        value: Any = choices.get(name, values)
        for part in name.split(".") if value is values else ():
            value = value.get(part) if isinstance(value, Mapping) else None
        if isinstance(dimension, Choice):
            held = [item for item in dimension.values if _same(item, value)]
            if held:
                point[key] = held[0]
        elif _holds(dimension, value):
            point[key] = value
    return point


def _same(item: Scalar, value: Any) -> bool:
    value = choice_value(value)
    return item == value and isinstance(item, bool) == isinstance(value, bool)


def _holds(dimension: FloatRange | IntRange, value: Any) -> bool:
    number = (int, float) if isinstance(dimension, FloatRange) else int
    if not isinstance(value, number) or isinstance(value, bool) or not dimension.low <= value <= dimension.high:
        return False
    steps = (value - dimension.low) / dimension.step if dimension.step else 0
    return abs(steps - round(steps)) < 1e-9
