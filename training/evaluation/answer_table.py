"""What a model answered for rows, as a table that people read: the worst mistakes first."""

from collections.abc import Sequence
from typing import Any

from slimtune.training.data.examples import Example
from slimtune.training.evaluation.score import Evaluation
from slimtune.training.metrics import Tally
from slimtune.training.tasks import Task

# of a split: that many rows are looked at, and that many of them shown
MOST_SEEN, MOST_ROWS = 5000, 200
MOST_CHARS = 1000


def answer_table(task: Task, evaluation: Evaluation, examples: Sequence[Example]) -> dict[str, list[Any]]:
    """Columns by name, a row for an example; empty for tasks without answers, as for next tokens.

    `row` counts from 1. Labels, spans and numbers are sorted by how wrong they are; texts stay in the order of their
    rows, so that those of several models stand side by side.

    Args:
        task: The task.
        evaluation: Of the rows.
        examples: The rows.
    """
    answers = task.predictions(evaluation.tally, evaluation.generated, examples)[:MOST_SEEN]
    if not answers:
        return {}
    seen = examples[: len(answers)]
    references = [expected_answer(example, answer) for example, answer in zip(seen, answers, strict=True)]
    losses = _losses(evaluation.tally, len(examples))
    wrong = [_distance(*both) for both in zip(answers, references, strict=True)]
    order = list(range(len(answers)))
    if evaluation.generated is None:
        order.sort(key=lambda row: (-wrong[row], -losses[row] if losses else 0.0))
    order = order[:MOST_ROWS]
    # the tracker groups by the first column and compares the second
    table: dict[str, list[Any]] = {"input": [shown_input(seen[row])[:MOST_CHARS] for row in order]}
    table["prediction"] = [_cut(answers[row]) for row in order]
    table["reference"] = [_cut(references[row]) for row in order]
    if any(example.pair for example in seen):
        table["pair"] = [seen[row].pair[:MOST_CHARS] for row in order]
    if not any(isinstance(answer, float) for answer in answers):
        table["right"] = [wrong[row] == 0 for row in order]
    if losses:
        table["loss"] = [round(losses[row], 4) for row in order]
    table["row"] = [row + 1 for row in order]
    return table


def shown_input(example: Example) -> str:
    """What a model was given, as a person reads it: the text, or the turns of a chat before the answer."""
    chat = "\n".join(f"{role}: {content}" for role, content in example.messages[:-1])
    return chat or example.text


def expected_answer(example: Example, answer: Any) -> Any:
    """The answer that a row has, in the form of one that a model gave."""
    if isinstance(answer, float):
        return float(example.label)
    if example.messages:
        return example.messages[-1][1]
    if not isinstance(answer, list):
        return example.label
    # an answer of spans may be empty, and so may the row's own
    if example.labels or not (example.spans or any(isinstance(one, dict) for one in answer)):
        return list(example.labels)
    return [span.within(example.text) for span in example.spans]


def _distance(answer: Any, reference: Any) -> float:
    """How wrong an answer is: 0 is right."""
    if isinstance(answer, float):
        return abs(answer - float(reference))
    if isinstance(answer, list):
        return float(sorted(map(str, answer)) != sorted(map(str, reference)))
    return float(str(answer).strip() != str(reference).strip())


def _losses(tally: Tally, num_rows: int) -> list[float]:
    """Nats of each example; empty where rows of the tally are parts of examples."""
    if len(tally) != num_rows or not {"nats", "weight"} <= set(tally.columns):
        return []
    both = zip(tally.columns["nats"], tally.columns["weight"], strict=True)
    return [float(nats / weight) if weight else 0.0 for nats, weight in both]


def _cut(value: Any) -> Any:
    return value[:MOST_CHARS] if isinstance(value, str) else value
