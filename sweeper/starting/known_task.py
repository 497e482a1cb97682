"""What rows give a task that a person has named, also where they alone would not suggest it."""

from collections.abc import Sequence

from slimtune.sweeper.starting.guess import (
    ANSWERS,
    KIN,
    LABELS,
    PROMPTS,
    SCORES,
    Guess,
    guess,
    likely_labels,
)
from slimtune.sweeper.starting.score_columns import only_scores
from slimtune.sweeper.starting.seen_columns import Holds, SeenColumn
from slimtune.sweeper.starting.text_columns import longest_text, two_texts, with_texts


def columns_for(columns: Sequence[SeenColumn], task: str) -> Guess:
    """The columns that the task would read.

    Args:
        columns: Those of the first rows.
        task: An option of the config group `task`.

    Returns:
        What fits; of what nothing fits, None.
    """
    found = guess(columns, task)
    if found is not None:
        return found
    columns = with_texts(columns, LABELS)
    if task in KIN:
        return _written(columns, task)
    text = longest_text(columns)
    match task:
        case "similarity":
            texts = [one.name for one in two_texts([one for one in columns if one.holds is Holds.text])]
            first, second = texts if len(texts) == 2 else (text, None)
            return Guess(task, first, second, _score(columns, second or first))
        case "classification":
            return Guess(task, text, target=next(iter(likely_labels(columns, text)), None))
        case "multi_label":
            labels = [one.name for one in columns if one.holds is Holds.labels]
            return Guess(task, text, target=next(iter([*labels, *likely_labels(columns, text)]), None))
        case "extraction":
            spans = [one.name for one in columns if one.holds in (Holds.spans, Holds.tags)]
            return Guess(task, text, target=next(iter(spans), None))
        case _:
            return Guess(task, text)


def _score(columns: Sequence[SeenColumn], text: str | None) -> str | None:
    scores = [one.name for one in columns if one.holds is Holds.number and one.name.lower() in SCORES]
    likely = [*scores, *likely_labels(columns, text, scores=True)]
    return next(iter(likely), None) or only_scores(columns, (text,))


def _written(columns: Sequence[SeenColumn], task: str) -> Guess:
    """A prompt and an answer: columns that are called so, else the longest texts.

    These are read as they stand, as a prompt stands before its answer; but the longer one is what is summarized.
    """
    texts = [one for one in columns if one.holds is Holds.text]
    words = [one for one in columns if one.holds in (Holds.text, Holds.name, Holds.number, Holds.code)]
    prompt = next((one.name for one in texts if one.name.lower() in PROMPTS), None)
    answer = next((one.name for one in words if one.name.lower() in ANSWERS and one.name != prompt), None)
    others = [one for one in texts if one.name not in (prompt, answer)]
    longest = sorted(others, key=lambda one: -one.num_letters)[: [prompt, answer].count(None)]
    left = [one.name for one in (longest if task == "summarization" else others) if one in longest]
    text = prompt or (left.pop(0) if left else None)
    names = [name for name in likely_labels(columns, text) if name != text]
    return Guess(task, text, target=answer or next(iter([*left, *names]), None))
