"""Cosines as they are compared with one another."""

from collections.abc import Iterable

# a cosine in float32 is wrong by about 1e-7: of two pairs of the same text, rounding alone would say which one is more
# alike, otherwise in PyTorch than in a graph, and ranks and thresholds would hang on it
DECIMALS = 6


def comparable(cosines: Iterable[float]) -> list[float]:
    """To 6 decimals, so that those which only rounding tells apart are ties; NaN stays NaN."""
    # without the sign of -0.0
    return [round(cosine, DECIMALS) + 0.0 for cosine in cosines]
