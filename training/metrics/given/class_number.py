"""The number of a class, which is not its name."""

from collections.abc import Sequence
from functools import partial
from numbers import Real
from typing import Any

from slimtune.training.config.own_code import own_copy
from slimtune.training.listed_names import with_commas
from slimtune.training.metrics.given.guarded import Guard, Guarded

# of the names that a message lists
MOST_CHARS = 100


class ClassNumber(Guarded, int):
    """The number of a class; no text equals it."""

    what = "the number of a class"
    __hash__ = int.__hash__


class ClassNumbers(Guarded, tuple[ClassNumber, ...]):
    """Those of a row with any number of classes; no text and no number equals them."""

    never = (str, Real)
    what = "all classes of a row"
    __hash__ = tuple.__hash__


def class_guard(labels: Sequence[str]) -> Guard:
    """For a class's number, and for a row of them.

    Args:
        labels: Names of the classes in the order of their numbers.
    """
    names = with_commas(map(str, labels))
    if len(names) > MOST_CHARS:
        names = f"{names[:MOST_CHARS].rpartition(', ')[0] or names[:MOST_CHARS]}, ..."
    rule = f"numbers here, and the names in order are {names}; the rows have the names"
    numbers = [ClassNumber(number) for number in range(len(labels))]
    for number in numbers:
        number.rule = f"predictions and references are {rule}"
    return partial(_guarded_classes, numbers, f"predictions and references have tuples of {rule}")


def _guarded_classes(numbers: Sequence[ClassNumber], rule_of_rows: str, value: Any) -> Any:
    if type(value) is int and 0 <= value < len(numbers):
        return numbers[value]
    if type(value) is tuple:
        row = ClassNumbers(_guarded_classes(numbers, rule_of_rows, one) for one in value)
        row.rule = rule_of_rows
        return row
    return own_copy(value)
