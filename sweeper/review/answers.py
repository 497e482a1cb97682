"""What the best trials of a sweep answer to the same validation rows."""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from slimtune.sweeper.campaigns.named_sweep import NamedSweep
from slimtune.sweeper.finalist import lies_at
from slimtune.sweeper.review.sheet import JudgedRow
from slimtune.sweeper.study import load_study_trials
from slimtune.sweeper.study.record import RESULT
from slimtune.training.checkpoints.checkpoint import Checkpoint, open_checkpoint
from slimtune.training.data.examples import Example
from slimtune.training.errors import StoreError
from slimtune.training.evaluation.answer_table import expected_answer, shown_input
from slimtune.training.evaluation.test_score import score_checkpoint
from slimtune.training.workbench.prepared_data import ReadRows

# as many rows are answered for each that is wanted: rows that all answer alike are not shown
DRAWN_FOR_ONE = 3


class Judged(NamedTuple):
    """What a sheet is made of.

    Attributes:
        trials: Those that are judged, the best first.
        rows: That they answered.
        num_validation: Validation rows, of which these were drawn.
    """

    trials: Sequence[int]
    rows: Sequence[JudgedRow]
    num_validation: int


def answers_of_best(sweep: NamedSweep, *, top: int, num_rows: int, seed: int, trust: bool) -> Judged:
    """Let the best complete trials answer rows.

    Args:
        sweep: Whose trials.
        top: How many of them, at least two.
        num_rows: Rows that are wanted; more are answered, since some may be answered alike.
        seed: Of the rows that are drawn.
        trust: Whether code that their configs name may be run.

    Raises:
        StoreError: There are not so many with a checkpoint, or their task has no answers.
        ModelError: A checkpoint cannot be read.
    """
    complete = load_study_trials(sweep.storage, sweep.name).ranked()
    results = [(trial.number, trial.attrs.get(RESULT, {}).get("checkpoint")) for trial in complete]
    # those of an app of the user's own have none
    found = [(number, lies_at(Path(place), sweep.folder)) for number, place in results if place]
    kept = [(number, folder) for number, folder in found if folder.is_dir()][:top]
    if len(kept) < top:
        raise StoreError(
            f"--top is {top}, and {len(kept)} complete trials of {sweep.name} have their checkpoint; use fewer"
        )
    read, answers = ReadRows(), {}
    num_validation, chosen = 0, list[int]()
    examples: list[Example] = []
    for number, folder in kept:
        checkpoint = open_checkpoint(folder, trust=trust)
        if not examples:
            rows = read.of(checkpoint.config).validation
            num_validation = len(rows)
            count = min(num_validation, num_rows * DRAWN_FOR_ONE)
            chosen = sorted(random.Random(seed).sample(range(num_validation), count))
            examples = [rows[row] for row in chosen]
        answers[number] = _answers(checkpoint, examples)
    first = answers[kept[0][0]]
    judged = [
        JudgedRow(
            row + 1,
            shown_input(example) + (f"\n{example.pair}" if example.pair else ""),
            _text(expected_answer(example, first[place])),
            {number: _text(given[place]) for number, given in answers.items()},
        )
        for place, (row, example) in enumerate(zip(chosen, examples, strict=True))
    ]
    return Judged([number for number, _ in kept], judged, num_validation)


def _answers(checkpoint: Checkpoint, examples: Sequence[Example]) -> list[Any]:
    task, evaluation = score_checkpoint(checkpoint, examples, name="validation")
    answers = task.predictions(evaluation.tally, evaluation.generated, examples)
    if len(answers) < len(examples):
        raise StoreError(
            "there is nothing to review: next tokens are no answers, and text is written only where task.metrics asks "
            "for it, e.g. exact_match"
        )
    return answers


def _text(answer: Any) -> str:
    """As a person reads it: labels and spans one after the other."""
    if isinstance(answer, list):
        return ", ".join(f"{one['text']} ({one['label']})" if isinstance(one, dict) else str(one) for one in answer)
    return f"{answer:z.4f}" if isinstance(answer, float) else answer if isinstance(answer, str) else json.dumps(answer)
