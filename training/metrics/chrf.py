"""chrF of generated text."""

import math
from typing import Any

import evaluate
from sacrebleu import CHRF

from slimtune.training.metrics.module import info_of


class Chrf(evaluate.Metric):  # type: ignore[misc]
    """Corpus chrF on sacrebleu's scale of 0 to 100, one reference a row; NaN on no rows.

    An F-score of character n-grams up to 6 that weighs recall twice (beta 2); white space does not count, so it fits
    scripts without blanks too.

    Oracle: `sacrebleu.metrics.CHRF()`. Source: Popović 2015 (`case:mixed|eff:yes|nc:6|nw:0|space:no`).
    """

    def _info(self) -> evaluate.MetricInfo:
        return info_of(self.__doc__, "string", "texts")

    def _compute(self, predictions: Any, references: Any) -> dict[str, float]:
        if not references:
            return {"chrf": math.nan}
        return {"chrf": CHRF().corpus_score(predictions, [references]).score}
