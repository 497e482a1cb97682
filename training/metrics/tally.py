"""What an evaluation has seen so far, as columns of rows: divided only once, at its end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Tally:
    """A mergeable state: any split of the rows, in any order of the parts, gives the same numbers.

    Attributes:
        columns: Values by name, one a row, e.g. `row`, `nats`, `weight`, `prediction`, `reference`.
    """

    columns: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, **columns: Sequence[Any]) -> "Tally":
        """The state of some rows."""
        return cls({name: tuple(values) for name, values in columns.items()})

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def merge(self, other: "Tally") -> "Tally":
        """The state of both sets of rows."""
        return merged([self, other])

    def take(self, rows: Sequence[int] | np.ndarray) -> "Tally":
        """The state of some of the rows, each as often as it is named."""
        return Tally({name: tuple(values[row] for row in rows) for name, values in self.columns.items()})

    def in_order(self) -> "Tally":
        """The same, in the order of the column `row`."""
        if not self.columns:
            return self
        return self.take(np.argsort(np.asarray(self.columns["row"]), kind="stable"))


def merged(parts: Sequence[Tally]) -> Tally:
    """The state of all rows of the parts; quicker than one merge after the other."""
    filled = [part for part in parts if part.columns]
    if not filled:
        return Tally()
    return Tally({name: tuple(value for part in filled for value in part.columns[name]) for name in filled[0].columns})
