"""What a model answers for each row, in a form that can be read and written as JSON."""

from collections.abc import Sequence
from typing import Any

from slimtune.training.data.examples import Example
from slimtune.training.evaluation.score import Evaluation
from slimtune.training.tasks import Task
from slimtune.training.tasks.classification import Classification
from slimtune.training.tasks.extraction import Extraction, predicted_spans
from slimtune.training.tasks.text_to_text import TextToText


def predictions_of(task: Task, evaluation: Evaluation, examples: Sequence[Example]) -> list[Any]:
    """One for each example; empty where there are none, as for next tokens.

    A label, a list of labels, text, the cosine of a pair, or spans as `{"start", "end", "label", "text"}` in characters
    of the text. A task of the user's own gives its column `prediction`.
    """
    columns = evaluation.tally.columns
    match task:
        case Classification(multi_label=True):
            return [[task.labels[one] for one in row] for row in columns["prediction"]]
        case Classification():
            return [task.labels[one] for one in columns["prediction"]]
        case Extraction():
            found = predicted_spans(evaluation.tally)
            return [
                [{**span._asdict(), "text": example.text[span.start : span.end]} for span in spans]
                for example, spans in zip(examples, found, strict=True)
            ]
        case TextToText():
            return list(evaluation.generated.columns["prediction"]) if evaluation.generated is not None else []
        case _:
            own = list(columns.get("prediction", ()))
            # a row of the task's may be a part of an example
            return own if len(own) == len(examples) else []
