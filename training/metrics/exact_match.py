"""Share of rows whose generated text is the reference text."""

import math
from collections.abc import Sequence


def exact_match(predictions: Sequence[str], references: Sequence[str]) -> dict[str, float]:
    """Exact match of texts, white space at both ends aside; NaN on no rows. Oracle: `==` on stripped texts.

    Source: Rajpurkar et al. 2016, section 6.1, without its normalisation of case, punctuation and articles.
    """
    if len(references) == 0:
        return {"exact_match": math.nan}
    pairs = zip(predictions, references, strict=True)
    matches = sum(prediction.strip() == reference.strip() for prediction, reference in pairs)
    return {"exact_match": matches / len(references)}
