"""BLEU of generated text."""

import math
from collections.abc import Sequence

from sacrebleu import BLEU


def bleu(predictions: Sequence[str], references: Sequence[str]) -> dict[str, float]:
    """Corpus BLEU on sacrebleu's scale of 0 to 100, one reference a row; NaN on no rows.

    N-grams of up to 4 tokens are summed over all rows and divided once, so the mean of rows' BLEU is another number.
    The 13a tokens need blanks between words: for Chinese, Japanese or Thai use chrF.

    Oracle: `sacrebleu.metrics.BLEU()`. Source: Papineni et al. 2002; the settings of Post 2018
    (`case:mixed|eff:no|tok:13a|smooth:exp`).
    """
    if len(references) == 0:
        return {"bleu": math.nan}
    return {"bleu": BLEU(tokenize="13a").corpus_score(predictions, [references]).score}
