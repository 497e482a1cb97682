"""The cosine of two texts, or their label as a number."""

from typing import Any

from slimtune.training.config.own_code import own_copy
from slimtune.training.metrics.given.guarded import Guarded


class PairNumber(Guarded, float):
    """The cosine of two texts, or their label; no text equals it."""

    what = "the number of a pair"
    rule = "predictions are cosines here, and references numbers; the rows have the labels as they were written"
    __hash__ = float.__hash__


def pair_guard(value: Any) -> Any:
    """For a number of a pair of texts."""
    return PairNumber(value) if isinstance(value, float) else own_copy(value)
