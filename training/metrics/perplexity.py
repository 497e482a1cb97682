"""Perplexity of text."""

import math
from collections.abc import Sequence


def perplexity(nats: Sequence[float], tokens: Sequence[int]) -> float:
    """`exp` of the loss per token; NaN on no tokens, inf where that overflows.

    Sums are divided once: the mean of batches' perplexities is another number. Source: Jelinek et al. 1977.

    Args:
        nats: Summed loss of each row or batch.
        tokens: How many tokens each of these sums is over.
    """
    count = sum(tokens)
    if count == 0:
        return math.nan
    try:
        return math.exp(math.fsum(nats) / count)
    except OverflowError:
        return math.inf
