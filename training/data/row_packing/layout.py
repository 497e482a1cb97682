"""Which examples of a micro-batch share a row."""

# N examples, R rows, W tokens of a row

import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

# linear layers multiply a token by about 12 H x H weights, attention by 2 H of each token of its row: a row of 6 H
# tokens costs twice what its linear layers do
HIDDEN_SIZES_OF_A_ROW = 6


class RowCost(NamedTuple):
    """What a row costs, by its width.

    Attributes:
        most: Longest row, unless an example is longer.
        double: Tokens of a row whose attention costs as much as all else.
        lengthen: To what length rows of so many tokens are filled up, so that batches have few shapes; None is no
            further.
    """

    most: int
    double: float = math.inf
    lengthen: Callable[[int], int] | None = None

    def of(self, rows: int, width: int) -> float:
        """Of so many rows: tokens, padding included, and what attention adds to them."""
        return rows * width * (1 + width / self.double)

    def filled(self, width: int) -> int:
        """What a row of so many tokens is filled up to."""
        return width if self.lengthen is None else self.lengthen(width)


class RowLayout(NamedTuple):
    """Examples laid out in rows.

    Attributes:
        rows_R: The examples of each row by their positions in the batch, in the order in which they stand there.
        width: Tokens of a row, padding included.
    """

    rows_R: Sequence[Sequence[int]]
    width: int

    @property
    def filled(self) -> int:
        """Tokens, padding included."""
        return len(self.rows_R) * self.width


def row_layout_of(lengths_N: np.ndarray, cost: RowCost) -> RowLayout:
    """The cheapest layout, as far as it is looked for; at the worst that of rows of their own.

    Widths are tried at which all examples just fit into so and so many rows. The longest examples are placed first,
    each into the first row that has room for it. Where rows are filled up, those that are shared are of the longest
    width, so that batches differ in their number of rows alone; or none is shared.

    Args:
        lengths_N: Tokens of the examples.
        cost: Of a row.
    """
    longest, total = int(lengths_N.max()), int(lengths_N.sum())
    most = max(longest, cost.most)
    if cost.lengthen is not None:
        shared = _first_fit(lengths_N, most)._replace(width=cost.lengthen(most))
        own = RowLayout([[index] for index in range(len(lengths_N))], cost.lengthen(longest))
        return _cheapest((shared, own), cost)
    counts = range(-(-total // most), -(-total // longest) + 1)
    widths = sorted({longest, most, *(min(most, max(longest, -(-total // count))) for count in counts)})
    return _cheapest((_first_fit(lengths_N, width) for width in widths), cost)


def _cheapest(layouts: Iterable[RowLayout], cost: RowCost) -> RowLayout:
    return min(layouts, key=lambda one: cost.of(len(one.rows_R), one.width))


def _first_fit(lengths_N: np.ndarray, room: int) -> RowLayout:
    rows: list[list[int]] = []
    taken: list[int] = []
    for index in np.argsort(-lengths_N, kind="stable").tolist():
        length = int(lengths_N[index])
        at = next((row for row, used in enumerate(taken) if used + length <= room), len(rows))
        if at == len(rows):
            rows.append([])
            taken.append(0)
        rows[at].append(index)
        taken[at] += length
    return RowLayout([sorted(row) for row in rows], max(taken))
