"""Models that answer everything alike: their scores need not show it."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from slimtune.training.data.examples import Example

# of all answers, those that are one; of what the rows have, as much as may be one by itself
ALIKE, OF_THE_ROWS = 0.95, 0.9
LEAST_ROWS = 10
SHOWN = 60


def one_answer_note(answers: Sequence[Any], examples: Sequence[Example]) -> str | None:
    """A sentence where nearly all answers are one, and what the rows have is not.

    Args:
        answers: To each row, as JSON can hold them; none where the task gives none.
        examples: The rows.
    """
    if len(answers) < LEAST_ROWS:
        return None
    ((answer, count),) = Counter(json.dumps(one, sort_keys=True, ensure_ascii=False) for one in answers).most_common(1)
    expected = Counter((one.label.strip(), one.labels, one.spans) for one in examples)
    ((_, most),) = expected.most_common(1)
    if count < ALIKE * len(answers) or most > OF_THE_ROWS * len(examples):
        return None
    said = "empty" if not json.loads(answer) else answer if len(answer) <= SHOWN else f"{answer[:SHOWN]}..."
    return (
        f"{count} of the {len(answers)} answers are {said}, and the rows have {len(expected)} different ones: the "
        "model has not learned to tell rows apart, whatever its scores; train it longer or at another rate, or begin "
        "with weights that are trained"
    )
