"""What was made of lists of labels: missing ones in them, and those that stand there twice."""

from collections import Counter
from collections.abc import Sequence

from slimtune.training.data.cells import ABSENT, cell_of, listed
from slimtune.training.data.examples import Example
from slimtune.training.data.label_cells import names_in
from slimtune.training.data.readers.row import ID_ENDING, NO_LABEL

SHOWN = 4
OTHER_KINDS = "null, NaN or blank"


def list_notes(examples: Sequence[Example], column: str) -> list[str]:
    """Labels that a list has beside those that the row is read with: nulls, NaNs and blanks, and repetitions."""
    missing: Counter[int] = Counter()
    twice: Counter[str] = Counter()
    num_repeating = 0
    for number, example in enumerate(examples):
        names = _names(example, column)
        # a list of ones and zeros names its classes by their places
        if {*names} - {""} != {*example.labels}:
            continue
        missing[number] += names.count("")
        repeated = Counter(name for name in names if name) - Counter(example.labels)
        twice += repeated
        num_repeating += bool(repeated)
    notes = []
    if total := missing.total():
        rows = sum(count > 0 for count in missing.values())
        kinds = f"null, NaN, blank, or {NO_LABEL} of a ClassLabel" if _has_no_label(examples, column) else OTHER_KINDS
        notes.append(f"missing labels in lists ({kinds}), which are left out: {total:,} (rows: {rows:,})")
    if twice:
        shown = ", ".join(f"'{name}' {count:,}" for name, count in twice.most_common(SHOWN))
        more = f" and {len(twice) - SHOWN} more" if len(twice) > SHOWN else ""
        notes.append(f"labels that a row has more than once, read as one: {shown}{more} (rows: {num_repeating:,})")
    return notes


def _names(example: Example, column: str) -> list[str]:
    value = cell_of(example.row, column)
    return [] if value is ABSENT else names_in(value, column=column, where="", key="label_column")


def _has_no_label(examples: Sequence[Example], column: str) -> bool:
    """Whether a list of ids beside that of the names has one of none."""
    return any(NO_LABEL in (listed(cell_of(one.row, f"{column}{ID_ENDING}")) or ()) for one in examples)
