"""Where a model is right and where it is wrong, label by label."""

from collections.abc import Mapping
from typing import Any

from slimtune.training.evaluation.score import Evaluation
from slimtune.training.metrics.confusion import confusion_matrix, per_class
from slimtune.training.metrics.entities import per_type
from slimtune.training.tasks import Task
from slimtune.training.tasks.classification import Classification
from slimtune.training.tasks.extraction import Extraction, over_examples


def details_of(task: Task, evaluation: Evaluation) -> Mapping[str, Any]:
    """`per_label` (precision, recall, F1 and rows of each label) and, of one label a row, `confusion`.

    Rows of `confusion` are references, columns predictions, in the order of `labels`. Empty for other tasks.
    """
    match task:
        case Classification(multi_label=False):
            columns = evaluation.tally.columns
            return label_details(columns["prediction"], columns["reference"], task.labels)
        case Extraction():
            predictions, references = over_examples(evaluation.tally)
            scores = per_type(predictions, references)
            return {"per_label": [{"label": name, **one._asdict()} for name, one in scores.items()]}
        case _:
            return {}


def label_details(predictions: Any, references: Any, labels: tuple[str, ...]) -> Mapping[str, Any]:
    """The details of one label a row, from label ids."""
    return {
        "labels": list(labels),
        "per_label": [one._asdict() for one in per_class(predictions, references, labels)],
        "confusion": confusion_matrix(predictions, references, len(labels)),
    }
