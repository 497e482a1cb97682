"""A blind sheet: rows with the answers of several trials, in an order of their own for each row."""

import random
from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any, NamedTuple

from slimtune.training.errors import StoreError
from slimtune.training.listed_names import counted

# answers are called by letters, and nobody reads more of them side by side
MOST_TRIALS = 8
TIE = "tie"


class SheetRow(NamedTuple):
    """A row to be judged.

    Attributes:
        number: Of the validation row, from 1.
        given: What the models were given.
        reference: The expected answer; empty where it is not to be shown.
        answers: What they answered, by letter.
    """

    number: int
    given: str
    reference: str
    answers: Mapping[str, str]


class Sheet(NamedTuple):
    """Rows, and which trial stands behind which letter of which row.

    Attributes:
        sweep: The sweep's name.
        rows: To be judged.
        key: By number of the row, the trial of each letter; a reviewer does not see it.
    """

    sweep: str
    rows: Sequence[SheetRow]
    key: Mapping[int, Mapping[str, int]]


class JudgedRow(NamedTuple):
    """A row with the answer of each trial.

    Attributes:
        number: Of the validation row, from 1.
        given: What the models were given.
        reference: The expected answer.
        answers: By number of the trial.
    """

    number: int
    given: str
    reference: str
    answers: Mapping[int, str]


def differing_rows(rows: Sequence[JudgedRow], *, num_validation: int) -> list[JudgedRow]:
    """Those in which the trials differ, since there is nothing to choose in others.

    Args:
        rows: That were answered.
        num_validation: Validation rows, of which they were drawn.

    Raises:
        StoreError: There is none.
    """
    found = [row for row in rows if len(set(row.answers.values())) > 1]
    if found:
        return found
    nothing = "there is nothing to choose between them"
    if len(rows) == num_validation:
        raise StoreError(f"the trials answer all {counted(num_validation, 'validation row')} alike: {nothing}")
    raise StoreError(
        f"the trials answer alike all {counted(len(rows), 'row')} that were looked at, of {num_validation:,} "
        f"validation rows: {nothing}; a larger --rows looks at more"
    )


def blind_sheet(sweep: str, rows: Sequence[JudgedRow], *, most: int, seed: int, show_references: bool) -> Sheet:
    """A sheet of some of the rows.

    Args:
        sweep: The sweep's name.
        rows: To draw from, as `differing_rows` gives them.
        most: Rows of the sheet.
        seed: Of the draw, of the order of rows, and of the letters.
        show_references: Whether the expected answer stands on the sheet.

    Raises:
        StoreError: The trials are too many.
    """
    drawn = random.Random(seed)
    if max(len(row.answers) for row in rows) > MOST_TRIALS:
        raise StoreError(f"--top: more than {MOST_TRIALS} answers side by side are too many to judge; use fewer")
    chosen = drawn.sample(rows, min(most, len(rows)))
    made, key = [], {}
    for row in chosen:
        trials = list(row.answers)
        drawn.shuffle(trials)
        letters = dict(zip(ascii_uppercase, trials, strict=False))
        key[row.number] = letters
        answers = {letter: row.answers[trial] for letter, trial in letters.items()}
        made.append(SheetRow(row.number, row.given, row.reference if show_references else "", answers))
    return Sheet(sweep, made, key)


def key_values(sheet: Sheet) -> dict[str, Any]:
    """The key as JSON can hold it."""
    return {"sweep": sheet.sweep, "rows": {str(number): dict(letters) for number, letters in sheet.key.items()}}


def read_key(values: Mapping[str, Any]) -> dict[int, dict[str, int]]:
    """The trials by letter and row, from what `key_values` gave."""
    return {int(number): dict(letters) for number, letters in values["rows"].items()}
