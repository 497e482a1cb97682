"""ROUGE of generated text."""

import math
import sys
from collections.abc import Sequence
from statistics import fmean

from absl import logging as absl_logging
from rouge_score.rouge_scorer import RougeScorer

from slimtune.training.metrics.unicode_words import UnicodeWords

# rouge-score's logger closes at exit the stream that it found when it was imported, unless that is the process's own
absl_logging.get_absl_handler().python_handler.stream = sys.__stderr__

ROUGE_TYPES = ("rouge1", "rouge2", "rougeL", "rougeLsum")


def rouge(predictions: Sequence[str], references: Sequence[str]) -> dict[str, float]:
    """ROUGE F-scores in 0 to 1, each the mean over rows; NaN on no rows.

    No stemmer. `rougeLsum` takes each line as a sentence. Tokens are runs of letters and digits of any script in lower
    case, and single letters where a script has no blanks between words.

    Oracle: `rouge_score.rouge_scorer.RougeScorer`, for ASCII text. Source: Lin 2004, sections 2 and 3.
    """
    if len(references) == 0:
        return dict.fromkeys(ROUGE_TYPES, math.nan)
    # its own tokenizer sees a-z and 0-9 alone
    scorer = RougeScorer(ROUGE_TYPES, tokenizer=UnicodeWords())
    pairs = zip(references, predictions, strict=True)
    scores = [scorer.score(reference, prediction) for reference, prediction in pairs]
    return {name: fmean(score[name].fmeasure for score in scores) for name in ROUGE_TYPES}
