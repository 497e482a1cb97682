"""What `evaluate` wants to know of a metric."""

import datasets
import evaluate


def info_of(doc: str | None, kind: str, inputs: str, *, many: bool = False) -> evaluate.MetricInfo:
    """The information of a metric whose predictions and references are of one kind.

    Args:
        doc: What the metric is.
        kind: Type of a value, as `datasets` names it.
        inputs: What predictions and references are.
        many: Whether a row has a list of such values.
    """
    value = datasets.Value(kind)
    feature = datasets.Sequence(value) if many else value
    return evaluate.MetricInfo(
        description=str(doc),
        citation="",
        inputs_description=f"predictions, references: {inputs}",
        features=datasets.Features({"predictions": feature, "references": feature}),
    )
