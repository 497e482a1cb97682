"""BLEU of generated text."""

import math
from typing import Any

import evaluate
from sacrebleu import BLEU

from slimtune.training.metrics.module import info_of


class Bleu(evaluate.Metric):  # type: ignore[misc]
    """Corpus BLEU on sacrebleu's scale of 0 to 100, one reference a row; NaN on no rows.

    N-grams of up to 4 tokens are summed over all rows and divided once, so the mean of rows' BLEU is another number.
    The 13a tokens need blanks between words: for Chinese, Japanese or Thai use chrF.

    Oracle: `sacrebleu.metrics.BLEU()`. Source: Papineni et al. 2002; the settings of Post 2018
    (`case:mixed|eff:no|tok:13a|smooth:exp`).
    """

    def _info(self) -> evaluate.MetricInfo:
        return info_of(self.__doc__, "string", "texts")

    def _compute(self, predictions: Any, references: Any) -> dict[str, float]:
        if not references:
            return {"bleu": math.nan}
        return {"bleu": BLEU(tokenize="13a").corpus_score(predictions, [references]).score}
