"""A metric of ours as a module of `evaluate`, for whoever works with those."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import datasets
import evaluate

from slimtune.training.metrics.load import function_of


class _Inputs(NamedTuple):
    """What predictions and references are: the type of a value as `datasets` names it, and whether a row has many."""

    kind: str
    many: bool = False


METRIC_INPUTS = {
    "accuracy": _Inputs("int64"),
    "f1": _Inputs("int64"),
    "exact_match": _Inputs("string"),
    "bleu": _Inputs("string"),
    "chrf": _Inputs("string"),
    "rouge": _Inputs("string"),
    "entity_f1": _Inputs("string", many=True),
    "multilabel_f1": _Inputs("int64", many=True),
    "spearman": _Inputs("float64"),
    # references as floats too: an integer feature would cut a graded 0.5 to 0
    "pair_scores": _Inputs("float64"),
}


class EvaluateModule(evaluate.Metric):  # type: ignore[misc]
    """A function of predictions and references behind evaluate's `compute`, `add` and `add_batch`.

    Args:
        name: One of `slimtune.training.metrics.load.OURS`.
        options: As `evaluate.Metric` takes them, e.g. `keep_in_memory`.

    Raises:
        KeyError: There is no such metric.
    """

    def __init__(self, name: str, **options: Any) -> None:
        self._function: Callable[[Sequence[Any], Sequence[Any]], dict[str, float]] = function_of(name)
        self._inputs = METRIC_INPUTS[name]
        super().__init__(**options)

    def _info(self) -> evaluate.MetricInfo:
        value = datasets.Value(self._inputs.kind)
        feature = datasets.Sequence(value) if self._inputs.many else value
        return evaluate.MetricInfo(
            description=str(self._function.__doc__),
            citation="",
            inputs_description="predictions, references: as many values, or lists of values",
            features=datasets.Features({"predictions": feature, "references": feature}),
        )

    def _compute(self, predictions: Any, references: Any) -> dict[str, float]:
        return self._function(predictions, references)
