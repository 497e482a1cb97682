"""What a trial's micro-batch and its step take when it is trained alone, by the rows of the micro-batch."""

from collections.abc import Sequence
from typing import NamedTuple


class AloneCost(NamedTuple):
    """A line through what was timed, by which passes of trials with batches of any size are compared with them alone.

    Attributes:
        call_seconds: Whatever the rows.
        row_seconds: For each row.
    """

    call_seconds: float
    row_seconds: float

    def seconds(self, rows: int) -> float:
        """Of a micro-batch of so many rows."""
        return self.call_seconds + self.row_seconds * rows


def alone_cost(rows_N: Sequence[float], seconds_N: Sequence[float]) -> AloneCost:
    """The line of least squares, neither of whose parts is negative; all by the call where sizes are equal."""
    mean_rows, mean_seconds = sum(rows_N) / len(rows_N), sum(seconds_N) / len(seconds_N)
    spread = sum((rows - mean_rows) ** 2 for rows in rows_N)
    slope = sum(
        (rows - mean_rows) * (seconds - mean_seconds) for rows, seconds in zip(rows_N, seconds_N, strict=True)
    ) / (spread or 1.0)
    slope = min(max(slope, 0.0), mean_seconds / mean_rows)
    return AloneCost(mean_seconds - slope * mean_rows, slope)
