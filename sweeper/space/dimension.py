"""What one key may vary over."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeGuard

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class FloatRange:
    """Real numbers in [low, high], evenly or evenly in the logarithm, or multiples of `step` above `low`."""

    low: float
    high: float
    log: bool = False
    step: float | None = None

    def __str__(self) -> str:
        return f"float, {_ends(self)}"


@dataclass(frozen=True, slots=True)
class IntRange:
    """Whole numbers in [low, high]; both ends count."""

    low: int
    high: int
    log: bool = False
    step: int = 1

    def __str__(self) -> str:
        return f"int, {_ends(self)}"


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values; a list or mapping stands as its text in Hydra's grammar.

    Attributes:
        values: Each once.
        repeated: Those that were given beside an equal one, which is told and says nothing of the dimension.
    """

    values: tuple[Scalar, ...]
    repeated: tuple[Scalar, ...] = field(default=(), compare=False, repr=False)

    def __str__(self) -> str:
        return f"choice, {', '.join(map(repr, self.values))}"


def _ends(numbers: FloatRange | IntRange) -> str:
    """As `0.001 to 0.1, log`."""
    usual = 1 if isinstance(numbers, IntRange) else None
    step = "" if numbers.step == usual else f", step {numbers.step}"
    return f"{numbers.low} to {numbers.high}{', log' if numbers.log else ''}{step}"


Dimension = FloatRange | IntRange | Choice
Space = dict[str, Dimension]

# texts that OmegaConf reads as true and false
TRUTHS = {"true": "1", "yes": "1", "on": "1", "y": "1", "false": "0", "no": "0", "off": "0", "n": "0"}
# beyond it a float does not tell whole numbers apart, and samplers count in floats
LARGEST_WHOLE = 2**53
SMALLER_STEP = "use a smaller one, or give the key one value"


def range_problem(low: Any, high: Any, *, log: Any, step: Any) -> str | None:
    """What is wrong with the ends of a range, as the end of a sentence that begins with its key."""
    for name, end in (("low", low), ("high", high)):
        if not _is_countable(end):
            return f".{name} is {end}; use a number that is neither infinite nor beyond 2^53 in whole numbers"
    if low > high:
        return f".low is {low}, above high ({high}); swap them, or give both ends"
    if not isinstance(log, bool):
        return f".log is {log!r}; use true or false"
    if log and low <= 0:
        return f".low is {low} with log: true; use a low above 0"
    if log and step is not None:
        return ".step cannot go with log: true; remove one of them"
    if step is not None and not step > 0:
        return f".step is {step}; use a number above 0"
    if not math.isfinite(float(high) - float(low)):
        return f".high is {high}, too far above low ({low}); use a smaller range"
    if step is not None and not (float(high) - float(low)) / float(step) < LARGEST_WHOLE:
        return f".step is {step}, too small for a range from {low} to {high}; use a larger one, or none"
    if step is not None and low < high and last_step(low, high, step) == low:
        return (
            f".step is {step}, larger than the range from {low} to {high}, of which {low} alone is left; {SMALLER_STEP}"
        )
    return None


def _is_countable(end: float) -> bool:
    if isinstance(end, int):
        return abs(end) <= LARGEST_WHOLE
    return math.isfinite(end)


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


def last_step(low: float, high: float, step: float | None) -> Any:
    """The highest number that is a multiple of `step` above `low`; `high` where there are no steps."""
    if step is None or low == high:
        return high
    if isinstance(low, int) and isinstance(step, int):
        return low + (high - low) // step * step
    # as written, and not as rounded: 0.3 is three steps of 0.1
    whole = (Decimal(str(high)) - Decimal(str(low))) // Decimal(str(step))
    return float(Decimal(str(low)) + whole * Decimal(str(step)))


def num_values(dimension: Dimension) -> int | None:
    """How many values a dimension has; None if they cannot be counted."""
    match dimension:
        case Choice(values):
            return len(values)
        case IntRange(low, high, _, step):
            return (high - low) // step + 1
        case FloatRange(low, high, _, step):
            if low == high:
                return 1
            # an end that rounding put just below a multiple counts
            return None if step is None else int((high - low) / step + 1e-9) + 1


def values_of(dimension: Dimension) -> Iterator[Scalar]:
    """The values of a dimension that can be counted, one after the other."""
    match dimension:
        case Choice(values):
            yield from values
        case IntRange(low, high, _, step):
            yield from range(low, high + 1, step)
        case FloatRange(low, _, _, step):
            yield from (low + index * (step or 0.0) for index in range(num_values(dimension) or 0))


def choice_of(values: Iterable[Scalar]) -> Choice:
    """One of these, each once."""
    given = list(values)
    # of equal ones the first
    places = {value_id(value): place for place, value in reversed([*enumerate(given)])}
    repeated = [value for place, value in enumerate(given) if places[value_id(value)] != place]
    return Choice(tuple(given[place] for place in reversed(places.values())), tuple(repeated))


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a value is one; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def value_id(value: Scalar) -> str:
    """What equal values have in common: 1 and 1.0 are equal, 1 and true are not; floats count to 12 digits."""
    if is_number(value):
        return f"{value:.12g}"
    return repr(value)


def looks_repeated(choice: Choice) -> bool:
    """Whether two of the values may be one where it is known what is read: a number, or a truth, and its text."""
    return len({_loose_id(value) for value in choice.values}) < len(choice.values)


def _loose_id(value: Scalar) -> str:
    word = str(value).strip().lower()
    try:
        return value_id(float(TRUTHS.get(word, word)))
    except ValueError:
        return word


def told_apart(choice: Choice, read: Sequence[Any]) -> Choice:
    """Of values that are read as the same, one: that which is what is read, or else the first.

    Args:
        choice: The values.
        read: As what each is read.
    """
    kept: dict[str, Scalar] = {}
    for value, one in zip(choice.values, read, strict=True):
        name = value_id(one)
        if name not in kept or (value_id(value) == name and value_id(kept[name]) != name):
            kept[name] = value
    return Choice(tuple(kept.values()))
