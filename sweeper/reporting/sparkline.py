"""Numbers as a line of blocks."""

import math
from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], *, width: int, ends: tuple[float, float] | None = None) -> str:
    """One block a number, the last `width` of them: the lowest block for the lowest number.

    Args:
        values: What is not finite is a blank.
        width: The most blocks.
        ends: What the lowest and the highest block stand for; None takes the numbers' own.
    """
    shown = list(values)[-width:]
    finite = [value for value in shown if math.isfinite(value)]
    if not finite:
        return " " * len(shown)
    low, high = ends or (min(finite), max(finite))
    return "".join(_block(value, low, high) for value in shown)


def _block(value: float, low: float, high: float) -> str:
    if not math.isfinite(value):
        return " "
    # halves: the difference of two large numbers may be infinite
    share = (value / 2 - low / 2) / (high / 2 - low / 2) if high / 2 > low / 2 else 1.0
    return BLOCKS[min(len(BLOCKS) - 1, max(0, int(share * len(BLOCKS))))]
