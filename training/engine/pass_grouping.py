"""Which micro-batches go through the base together: enough of them to fill a pass, and of like length."""

from collections.abc import Sequence
from typing import NamedTuple


class Shape(NamedTuple):
    """Rows and tokens (padded) of a micro-batch."""

    rows: int
    length: int

    @property
    def tokens(self) -> int:
        """Padding included."""
        return self.rows * self.length


class PassSize(NamedTuple):
    """What a pass may hold.

    Attributes:
        max_tokens: Beyond it a pass is bound by arithmetic: it gains nothing and only takes memory.
        max_padding: Tokens of padding that are still cheaper than another pass.
    """

    max_tokens: int
    max_padding: int


# by type of device. On a CPU passes of 2,048 tokens are bound by arithmetic (benchmarks/reports/slots.md)
PASS_SIZES = {"cpu": PassSize(2048, 128), "cuda": PassSize(32768, 2048)}


def group_passes(shapes: Sequence[Shape], size: PassSize) -> list[list[int]]:
    """Positions of the micro-batches in groups, each one pass; all of them, each once.

    A micro-batch that is larger than a pass has one for itself.
    """
    order = sorted(range(len(shapes)), key=lambda index: (-shapes[index].length, -shapes[index].rows, index))
    groups: list[list[int]] = []
    for index in order:
        if groups and _fits([*(shapes[other] for other in groups[-1]), shapes[index]], size):
            groups[-1].append(index)
        else:
            groups.append([index])
    return [sorted(group) for group in groups]


def _fits(shapes: Sequence[Shape], size: PassSize) -> bool:
    longest = max(shape.length for shape in shapes)
    tokens = longest * sum(shape.rows for shape in shapes)
    padding = tokens - sum(shape.tokens for shape in shapes)
    return tokens <= size.max_tokens and padding <= size.max_padding
