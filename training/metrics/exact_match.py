"""Share of rows whose generated text is the reference text."""

import math
from typing import Any

import evaluate

from slimtune.training.metrics.module import info_of


class ExactMatch(evaluate.Metric):  # type: ignore[misc]
    """Exact match of texts, white space at both ends aside; NaN on no rows. Oracle: `==` on stripped texts.

    Source: Rajpurkar et al. 2016, section 6.1, without its normalisation of case, punctuation and articles.
    """

    def _info(self) -> evaluate.MetricInfo:
        return info_of(self.__doc__, "string", "texts")

    def _compute(self, predictions: Any, references: Any) -> dict[str, float]:
        if not references:
            return {"exact_match": math.nan}
        pairs = zip(predictions, references, strict=True)
        matches = sum(prediction.strip() == reference.strip() for prediction, reference in pairs)
        return {"exact_match": matches / len(references)}
