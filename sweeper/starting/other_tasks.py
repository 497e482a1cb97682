"""Tasks that rows may be for beside the one that they seem to be for."""

from collections.abc import Sequence

from slimtune.sweeper.starting.guess import ANSWERS, KIN, LABELS, Guess, guess, may_be_alike
from slimtune.sweeper.starting.known_task import columns_for
from slimtune.sweeper.starting.score_columns import are_usual_scores
from slimtune.sweeper.starting.seen_columns import Holds, SeenColumn
from slimtune.sweeper.starting.text_columns import are_twins, holds_sentences, may_be_answers

MOST = 2
PLAIN = "language_modelling"
# times that a text is as long as its summary
LONGER = 3


def other_tasks(columns: Sequence[SeenColumn], found: Guess) -> list[str]:
    """The likeliest others, two at most.

    Tasks that read the same columns as the one that is found are named where no other kind fits, and the texts alone
    where nothing else does.

    Args:
        columns: Those of the first rows.
        found: What is taken.
    """
    if found.text is None:
        return []
    kinds = [task for task in ("classification", "multi_label", "extraction", "similarity") if task != found.task]
    others = [task for task in kinds if _fits(columns, guess(columns, task))]
    if found.task not in KIN and (writes := _writes(columns, found)) is not None:
        others.append(writes)
    if others:
        return others[:MOST]
    if found.task in KIN:
        return [task for task in KIN if task != found.task][:MOST] if _is_called(found) else _unnamed(columns, found)
    is_plain = found.task != PLAIN and found.pair is None and guess(columns, PLAIN) is not None
    return [PLAIN] if is_plain else []


def _is_called(found: Guess) -> bool:
    """Whether an answer is called so."""
    return found.target is not None and found.target.lower() in ANSWERS


def _unnamed(columns: Sequence[SeenColumn], found: Guess) -> list[str]:
    """What two texts may be for that are called neither prompt nor answer: a summary is much shorter than its text."""
    letters = {one.name: one.num_letters for one in columns}
    is_shorter = letters[str(found.text)] > LONGER * letters[str(found.target)]
    likely = ["summarization" if is_shorter else "translation", "generation", PLAIN]
    return [task for task in likely if task != found.task][:MOST]


def _fits(columns: Sequence[SeenColumn], other: Guess | None) -> bool:
    """Whether a guess for a task that was named is a likely one: scores are no classes, and classes are no scores."""
    if other is None:
        return False
    target = next((one for one in columns if one.name == other.target), None)
    if target is None:
        return False
    if other.task == "similarity":
        return may_be_alike(target) or are_usual_scores(target)
    if other.task == "classification":
        is_called = other.pair is None and target.name.lower() in LABELS and not target.has_fractions
        is_grade = other.pair is not None and are_usual_scores(target) and not target.has_fractions
        return target.holds is Holds.name or may_be_alike(target) or is_called or is_grade
    return True


def _writes(columns: Sequence[SeenColumn], found: Guess) -> str | None:
    """A task that writes, where a column is called as an answer is, holds sentences as one does, or short answers."""
    other = guess(columns, "generation")
    if other is None and (found.task == PLAIN or _may_answer(columns, found)):
        other = columns_for(columns, "generation")
    if other is None or other.target is None:
        return None
    return ANSWERS.get(other.target.lower(), "generation")


def _may_answer(columns: Sequence[SeenColumn], found: Guess) -> bool:
    """Whether the second of two texts may answer the first, or sentences, which may be its label, the text; likewise a
    label that is not called so, whose values may be short answers.
    """
    if found.pair is not None:
        return not are_twins(str(found.text), found.pair)
    if any(one.name != found.text and holds_sentences(one) for one in columns):
        return True
    return any(one.name == found.target and one.name.lower() not in LABELS and may_be_answers(one) for one in columns)
