"""What metrics of the user's own are given: plain numbers, texts and rows that no comparison takes for something else.

A metric that compares a class's number with its name would find all rows different, and a whole sweep would go by a
wrong score. So such a comparison is an error. In all else a value is the `int`, `float`, `str`, `tuple` or `list` that
it is: it is equal to it, has its hash, and is one to NumPy, scikit-learn and JSON.
"""

from collections.abc import Callable, Sequence
from functools import partial
from numbers import Real
from typing import Any

from slimtune.training.config.own_code import own_copy
from slimtune.training.listed_names import with_commas

# from a value of a tally to what a metric of the user's own is given for it
Guard = Callable[[Any], Any]

# of names that a message lists
MOST_CHARS = 100
SPAN_FORM = "'start:end:label' here, e.g. '0:6:person'"


class _Guarded:
    """The part that refuses; the other base class is what the value is.

    Attributes:
        never: Types of values that it can equal none of.
        what: What it is, as a message says it.
        rule: What predictions and references are here.
    """

    never: tuple[type, ...] = (str,)
    what: str
    rule: str

    def __eq__(self, other: object) -> bool:
        self._check(other)
        return super().__eq__(other)

    def __ne__(self, other: object) -> bool:
        self._check(other)
        return super().__ne__(other)

    def _check(self, other: object) -> None:
        if isinstance(other, self.never) and self._is_other_kind(other):
            kind = "text" if isinstance(other, str) else "number"
            raise TypeError(f"compares {self.what} with the {kind} {other!r:.40}: {self.rule}")

    def _is_other_kind(self, other: object) -> bool:
        del other
        return True


class ClassNumber(_Guarded, int):
    """The number of a class."""

    what = "the number of a class"
    __hash__ = int.__hash__


class ClassNumbers(_Guarded, tuple[ClassNumber, ...]):
    """Those of a row with any number of classes."""

    never = (str, Real)
    what = "all classes of a row"
    __hash__ = tuple.__hash__


class PairNumber(_Guarded, float):
    """The cosine of two texts, or their label."""

    what = "the number of a pair"
    rule = "predictions are cosines here, and references numbers; the rows have the labels as they were written"
    __hash__ = float.__hash__


class WrittenSpan(_Guarded, str):
    """A span, as `start:end:label`; only such a text can equal it."""

    what = "a span"
    rule = f"predictions and references are lists of {SPAN_FORM}"
    __hash__ = str.__hash__

    def _is_other_kind(self, other: object) -> bool:
        return str(other).count(":") < 2


class SpanList(_Guarded, list[WrittenSpan]):
    """Those of a row."""

    never = (str, Real)
    what = "all spans of a row"
    rule = WrittenSpan.rule
    __hash__ = None


def class_guard(labels: Sequence[str]) -> Guard:
    """For a class's number, and for a row of them.

    Args:
        labels: Names of the classes in the order of their numbers.
    """
    names = with_commas(labels)
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


def pair_guard(value: Any) -> Any:
    """For a number of a pair of texts."""
    return PairNumber(value) if type(value) is float else own_copy(value)


def span_guard(value: Any) -> Any:
    """For the spans of a row."""
    return SpanList(map(WrittenSpan, value)) if type(value) is list else own_copy(value)
