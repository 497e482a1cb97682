"""Phrases without some of their words: `fit.augment`."""

from typing import Any

import numpy as np


class DropWords:
    """Leaves a share of a phrase's words out, another one each time; never all of them."""

    def __init__(self, share: float = 0.1) -> None:
        self.share = share

    def __call__(self, row: dict[str, Any], generator: np.random.Generator) -> dict[str, Any]:
        """The row with another text."""
        words = row["text"].split()
        kept = [word for word in words if generator.random() >= self.share]
        return {**row, "text": " ".join(kept or words)}
