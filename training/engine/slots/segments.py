"""Whose rows are whose in a shared pass: a table of segments of one size, so that one batched product does for all."""

from collections.abc import Sequence
from typing import NamedTuple

# a segment more costs about as much as a row more: its trial's weights are laid beside it once again
SEGMENT_ROWS = 1


class SegmentTable(NamedTuple):
    """K segments of equally many rows.

    Attributes:
        slots_K: Whose rows each segment has, by number of slot; those of one slot stand together.
        rows: Of a segment, padding included.
        sizes: Rows of each trial in the pass, without padding, in the order of its slots.
    """

    slots_K: tuple[int, ...]
    rows: int
    sizes: tuple[int, ...]

    @property
    def num_rows(self) -> int:
        """Of the pass, padding included."""
        return len(self.slots_K) * self.rows

    @property
    def padded_sizes(self) -> tuple[int, ...]:
        """Rows of each trial, padding included."""
        return tuple(-(-size // self.rows) * self.rows for size in self.sizes)


def segment_table(slots: Sequence[int], sizes: Sequence[int]) -> SegmentTable:
    """The table with the least padding and the fewest segments for trials of so many rows.

    A batch of 32 beside one of 8 is four segments beside one; the 5 rows of a last batch beside batches of 8 are a
    segment with 3 rows of padding.
    """
    powers = [1 << power for power in range(max(sizes).bit_length())]
    rows = min({*sizes, *powers}, key=lambda rows: (_cost(sizes, rows), -rows))
    counts = [-(-size // rows) for size in sizes]
    slots_K = tuple(slot for slot, count in zip(slots, counts, strict=True) for _ in range(count))
    return SegmentTable(slots_K, rows, tuple(sizes))


def _cost(sizes: Sequence[int], rows: int) -> int:
    num_segments = sum(-(-size // rows) for size in sizes)
    return num_segments * (rows + SEGMENT_ROWS)
