"""What a person should know of rows that a model was asked about: one rule for the command, Python and a server."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from slimtune.training.atomic_files import with_finite_numbers
from slimtune.training.data.chat_turns import beside_messages, beside_notes
from slimtune.training.data.examples import MESSAGES
from slimtune.training.data.readers.odd_signs import OddSigns
from slimtune.training.errors import DataError
from slimtune.training.listed_names import counted

if TYPE_CHECKING:
    from slimtune.export.runtime.given_rows import MovedText
    from slimtune.export.runtime.row_predictor import LocatedRow, RowPredictor

MOST_NAMED = 10


class RowNotes:
    """Gathers what is told of rows that can be read, row by row."""

    def __init__(self, predictor: "RowPredictor") -> None:
        self._predictor = predictor
        self._signs, self._beside = OddSigns(), Counter[str]()
        self._counts, self._first = Counter[str](), defaultdict[str, list[str]](list)
        self._num_rows = 0
        self._moved: list[tuple[str, MovedText]] = []

    def see(self, asked: "LocatedRow") -> None:
        """Look at a row that the predictor reads."""
        self._num_rows += 1
        if (moved := self._predictor.moved(asked)) is not None:
            self._moved.append((asked.where, moved))
        self._signs.see(*(cell for cell in asked.row.values() if isinstance(cell, str)))
        self._beside.update(beside_messages(asked.row) if MESSAGES in asked.row else ())
        for remark in self._predictor.remarks(asked):
            self._counts[remark] += 1
            self._first[remark] += [asked.where] if self._counts[remark] <= MOST_NAMED else []

    def check(self) -> None:
        """Whether all rows have their texts in the same column.

        Raises:
            DataError: Some have the column of training, and others lack it and have the usual one.
        """
        if 0 < len(self._moved) < self._num_rows:
            where, moved = self._moved[0]
            more = f" ({counted(len(self._moved) - 1, 'more row', 'more rows')})" if len(self._moved) > 1 else ""
            raise DataError(
                f"{where}: no column '{moved.lacking}', which other rows have; its '{moved.instead}' is not read "
                f"instead: fill '{moved.lacking}' in, or {moved.repair}{more}"
            )

    def notes(self) -> list[str]:
        """A sentence for each thing."""
        remarks = [
            f"{what}: {count:,} ({_first_of(self._first[what], '; ', count)})" for what, count in self._counts.items()
        ]
        if self._moved:
            _, moved = self._moved[0]
            remarks.append(
                f"there is no column '{moved.lacking}', as in training; texts are read from '{moved.instead}'"
            )
        return [*self._signs.notes(), *beside_notes(self._beside), *remarks]


class Unanswered:
    """Rows that had no text to be answered, or no finite number as their answer."""

    def __init__(self) -> None:
        self._rows: list[str] = []
        self._infinite: list[str] = []

    def note(self, where: str, values: Mapping[str, Any]) -> None:
        """Keep a row whose values are all None, or one of them, or a part of one, NaN or infinite."""
        if all(value is None for value in values.values()):
            self._rows.append(where)
        elif any(with_finite_numbers(value) != value for value in values.values()):
            self._infinite.append(where)

    def notes(self) -> list[str]:
        """Which rows, if there are any."""
        notes = [said_of_empty(self._rows, then="is not answered (null)")] if self._rows else []
        if self._infinite:
            notes.append(
                "the model's answer is NaN or infinite, which JSON has no number for (null), for "
                f"{_first_of(self._infinite, ', ')}; its weights are broken, or its graph's numbers overflow"
            )
        return notes


def notes_of(
    predictor: "RowPredictor", asked: "Sequence[LocatedRow]", answers: Sequence[Mapping[str, Any]]
) -> list[str]:
    """What is told of a request, rows and answers together.

    Raises:
        DataError: As `RowNotes.check` says.
    """
    rows, unanswered = RowNotes(predictor), Unanswered()
    for one, values in zip(asked, answers, strict=True):
        rows.see(one)
        unanswered.note(one.where, values)
    rows.check()
    return [*rows.notes(), *unanswered.notes()]


def said_of_empty(rows: Sequence[str], *, then: str, blank: Mapping[str, int] | None = None) -> str:
    """A sentence on rows without text or answer: how many, what is blank, and what the first of them are called.

    Args:
        rows: What each is called.
        then: What becomes of each.
        blank: In how many of them a column is blank, by its name and key; None where it is the text.
    """
    lacking = f"nothing in {' or '.join(blank)}" if blank else "no text"
    if len(rows) == 1:
        return f"{rows[0]} has {lacking} and {then}"
    return f"{len(rows)} rows have {lacking}, and each of them {then}: {_first_of(rows, '; ')}"


def _first_of(rows: Sequence[str], separator: str, count: int | None = None) -> str:
    left = (len(rows) if count is None else count) - MOST_NAMED
    more = f" and {left} more" if left > 0 else ""
    return f"{separator.join(rows[:MOST_NAMED])}{more}"
