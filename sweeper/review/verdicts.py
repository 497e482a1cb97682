"""What reviewers chose, and what that says of the trials."""

import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np

from slimtune.sweeper.review.sheet import TIE
from slimtune.sweeper.review.sheet_files import CHOICE, REVIEWER
from slimtune.training.errors import StoreError
from slimtune.training.evaluation.bootstrap import NUM_RESAMPLES, percentile_interval


class Judgement(NamedTuple):
    """What one reviewer chose in one row; `trial` is None where the answers were equally good."""

    row: int
    reviewer: str
    trial: int | None


class Preference(NamedTuple):
    """How a trial did: the share of the answered rows in which it was chosen, a tie counting for each its part.

    Attributes:
        trial: Its number.
        share: In [0, 1].
        low: Of the 95 % interval over rows.
        high: Likewise.
    """

    trial: int
    share: float
    low: float
    high: float


class Review(NamedTuple):
    """What all reviewers say together.

    Attributes:
        preferences: The best first.
        agreement: Share of pairs of reviewers of a row that chose alike; None where no row has two.
        num_rows: Rows with an answer.
        reviewers: Their names.
    """

    preferences: Sequence[Preference]
    agreement: float | None
    num_rows: int
    reviewers: Sequence[str]


def read_verdicts(path: Path, key: Mapping[int, Mapping[str, int]]) -> list[Judgement]:
    """The choices in a file; rows without one are left out.

    Args:
        path: A CSV with the columns `row` and `choice`, and perhaps `reviewer`.
        key: The trial of each letter, by row.

    Raises:
        StoreError: It cannot be read, or has a row or a choice that the sheet does not have.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            head = file.readline()
            file.seek(0)
            # a spreadsheet of some countries writes semicolons
            table = csv.DictReader(file, delimiter=";" if head.count(";") > head.count(",") else ",")
            columns = [str(name).strip().lower() for name in table.fieldnames or ()]
            table.fieldnames = columns
            lines = list(table)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise StoreError(f"{path} cannot be read: {error}") from error
    if missing := [name for name in ("row", CHOICE) if name not in columns]:
        raise StoreError(
            f"{path} has no column {' and no '.join(missing)}, but {', '.join(columns) or 'none'}; give the file that "
            "the sheet's page saved, or its CSV with the column choice filled in"
        )
    read = (
        _verdict(values, key, where=f"{path}, line {line}", file=path) for line, values in enumerate(lines, start=2)
    )
    return [one for one in read if one is not None]


def _verdict(
    values: Mapping[str, str | None], key: Mapping[int, Mapping[str, int]], *, where: str, file: Path
) -> Judgement | None:
    choice = (values.get(CHOICE) or "").strip()
    if not choice:
        return None
    number = (values.get("row") or "").strip()
    letters = key.get(int(number)) if number.isdecimal() else None
    if letters is None:
        raise StoreError(f"{where}: there is no row '{number}' on the sheet; give the answers of this sheet")
    # two files may have one name, in folders of their own
    reviewer = (values.get(REVIEWER) or "").strip() or str(file)
    if choice.lower() == TIE:
        return Judgement(int(number), reviewer, None)
    trial = letters.get(choice.upper())
    if trial is None:
        raise StoreError(f"{where}: choice is '{choice}'; use one of {', '.join(letters)} or {TIE}")
    return Judgement(int(number), reviewer, trial)


def review_of(verdicts: Sequence[Judgement], trials: Sequence[int], *, seed: int) -> Review:
    """What the verdicts say of the trials.

    Args:
        verdicts: Of all reviewers; a later one of the same reviewer and row takes the place of an earlier one.
        trials: All that were on the sheet.
        seed: Of the interval's resamples.

    Raises:
        StoreError: There are none.
    """
    latest = {(one.row, one.reviewer): one for one in verdicts}
    if not latest:
        raise StoreError("nobody has chosen anything: the column choice is empty in all rows")
    by_row: dict[int, list[Judgement]] = defaultdict(list)
    for one in latest.values():
        by_row[one.row].append(one)
    shares_RT = np.array([[_share(by_row[row], trial, len(trials)) for trial in trials] for row in sorted(by_row)])
    found = [
        Preference(trial, float(shares_RT[:, place].mean()), *_interval(shares_RT[:, place], seed))
        for place, trial in enumerate(trials)
    ]
    pairs = [one.trial == other.trial for said in by_row.values() for one, other in combinations(said, 2)]
    return Review(
        sorted(found, key=lambda one: (-one.share, one.trial)),
        sum(pairs) / len(pairs) if pairs else None,
        len(by_row),
        sorted({one.reviewer for one in latest.values()}),
    )


def _share(said: Sequence[Judgement], trial: int, num_trials: int) -> float:
    """The mean over the reviewers of a row."""
    parts = [1 / num_trials if one.trial is None else float(one.trial == trial) for one in said]
    return sum(parts) / len(parts)


def _interval(shares_R: np.ndarray, seed: int) -> tuple[float, float]:
    """Of the mean over rows; one row leaves every share possible."""
    if len(shares_R) < 2:
        return 0.0, 1.0
    return percentile_interval(
        lambda drawn: float(shares_R[drawn].mean()), len(shares_R), num_resamples=NUM_RESAMPLES, seed=seed
    )
