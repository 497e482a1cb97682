"""Batches for a graph that takes one shape only."""

# B rows of a batch, T tokens, C classes

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

# inputs of one batch by name
Feed = Mapping[str, np.ndarray]


class StaticShape(NamedTuple):
    """The sizes that a graph fixes.

    Attributes:
        batch: Rows of every batch; None is any number.
        length: Tokens of every row; None is any number.
    """

    batch: int | None
    length: int | None

    @classmethod
    def of(cls, shape: Sequence[int | str | None]) -> "StaticShape":
        """From an input's sizes, where a name is one that may vary."""
        batch, length = (size if isinstance(size, int) else None for size in shape)
        return cls(batch, length)

    def run(self, feed: Feed, pad_id: int, once: Callable[[Feed], np.ndarray]) -> np.ndarray:
        """The output for a batch (B, T) of another size: filled up, run in parts, and cut again.

        Args:
            feed: Inputs by name; of at most `length` tokens.
            pad_id: Token id that fills up a row.
            once: Runs one batch of this shape.
        """
        num_rows, num_tokens = feed["input_ids"].shape
        size = self.batch or num_rows
        parts = self._filled(feed, pad_id, -num_rows % size)
        starts = range(0, num_rows, size)
        outputs = [once({name: array[at : at + size] for name, array in parts.items()}) for at in starts]
        output = np.concatenate(outputs)[:num_rows]
        # of every token, or of every row
        return output[:, :num_tokens] if output.ndim > 2 else output

    def _filled(self, feed: Feed, pad_id: int, more_rows: int) -> Feed:
        num_tokens = feed["input_ids"].shape[1]
        more_tokens = (self.length or num_tokens) - num_tokens
        assert more_tokens >= 0, "texts are cut to less than a graph's length"
        filled = {}
        for name, array in feed.items():
            wide = np.pad(array, ((0, 0), (0, more_tokens)), constant_values=pad_id if name == "input_ids" else 0)
            # rows again: one of padding alone has no attention to share out
            filled[name] = np.pad(wide, ((0, more_rows), (0, 0)), mode="edge")
        return filled
