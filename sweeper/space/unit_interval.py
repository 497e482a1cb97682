"""A dimension as the interval from 0 to 1, for what thinks in cubes."""

import math

from slimtune.sweeper.space.dimension import Choice, Dimension, FloatRange, IntRange, Scalar, num_values


def value_at_share(dimension: Dimension, share: float) -> Scalar:
    """The value at a share of the dimension, evenly or evenly in the logarithm.

    Args:
        dimension: Its values are laid out one after the other; each whole number and each option has a part of its own.
        share: In [0, 1].
    """
    match dimension:
        case Choice(values):
            return values[_part(share, len(values))]
        case FloatRange(low, high, log, None):
            return _between(low, high, share, log=log)
        case FloatRange(low, _, _, step):
            return low + _part(share, num_values(dimension) or 1) * (step or 0.0)
        case IntRange(low, high, True, _):
            return min(max(round(_between(low - 0.5, high + 0.5, share, log=True)), low), high)
        case IntRange(low, _, _, step):
            return low + _part(share, num_values(dimension) or 1) * step


def share_of(dimension: FloatRange | IntRange, value: float) -> float:
    """Where a number lies: `value_at` of it is the number; of a part of its own it is the middle."""
    low, high, log = dimension.low, dimension.high, dimension.log
    if low == high:
        return 0.5
    if isinstance(dimension, IntRange) and log:
        return _place(low - 0.5, high + 0.5, value, log=True)
    if dimension.step is None:
        return _place(low, high, value, log=log)
    parts = num_values(dimension) or 1
    return (round((value - low) / dimension.step) + 0.5) / parts


def _part(share: float, parts: int) -> int:
    return min(int(share * parts), parts - 1)


def _between(low: float, high: float, share: float, *, log: bool) -> float:
    found = low * (high / low) ** share if log else low + (high - low) * share
    return min(max(found, low), high)


def _place(low: float, high: float, value: float, *, log: bool) -> float:
    found = math.log(value / low) / math.log(high / low) if log else (value - low) / (high - low)
    return min(max(found, 0.0), 1.0)
