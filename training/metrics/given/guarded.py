"""A value that refuses to be compared with what it can never equal."""

from collections.abc import Callable
from typing import Any

# from a value of a tally to what a metric of the user's own is given for it
Guard = Callable[[Any], Any]


class Guarded:
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
