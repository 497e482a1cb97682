"""chrF of generated text."""

import math
from collections.abc import Sequence

from sacrebleu import CHRF


def chrf(predictions: Sequence[str], references: Sequence[str]) -> dict[str, float]:
    """Corpus chrF on sacrebleu's scale of 0 to 100, one reference a row; NaN on no rows.

    An F-score of character n-grams up to 6 that weighs recall twice (beta 2); white space does not count, so it fits
    scripts without blanks too.

    Oracle: `sacrebleu.metrics.CHRF()`. Source: Popović 2015 (`case:mixed|eff:yes|nc:6|nw:0|space:no`).
    """
    if len(references) == 0:
        return {"chrf": math.nan}
    return {"chrf": CHRF().corpus_score(predictions, [references]).score}
