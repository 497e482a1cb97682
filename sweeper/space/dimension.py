"""What one key may vary over."""

from dataclasses import dataclass
from typing import Any

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class FloatRange:
    """Real numbers in [low, high], evenly or evenly in the logarithm, or multiples of `step` above `low`."""

    low: float
    high: float
    log: bool = False
    step: float | None = None


@dataclass(frozen=True, slots=True)
class IntRange:
    """Whole numbers in [low, high]; both ends count."""

    low: int
    high: int
    log: bool = False
    step: int = 1


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values; a list or mapping stands as its text in Hydra's grammar."""

    values: tuple[Scalar, ...]


Dimension = FloatRange | IntRange | Choice
Space = dict[str, Dimension]


def range_problem(low: Any, high: Any, *, log: Any, step: Any) -> str | None:
    """What is wrong with the ends of a range, as the end of a sentence that begins with its key."""
    if low > high:
        return f".low is {low}, above high ({high}); swap them"
    if not isinstance(log, bool):
        return f".log is {log!r}; use true or false"
    if log and low <= 0:
        return f".low is {low} with log: true; use a low above 0"
    if log and step is not None:
        return ".step cannot go with log: true; remove one of them"
    if step is not None and step <= 0:
        return f".step is {step}; use a number above 0"
    return None


def edges(dimension: Dimension) -> tuple[Scalar, ...]:
    """Values that must be valid for the whole dimension to be: both ends and a point between, or every choice.

    The point between shows a key that takes whole numbers only.
    """
    match dimension:
        case FloatRange(low, high, _, None):
            return (low, high, low + (high - low) / 3)
        case FloatRange(low, high) | IntRange(low, high):
            return (low, high)
        case Choice(values):
            return values
