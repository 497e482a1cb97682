"""What was made of lists of labels: missing ones in them, and those that stand there twice."""

from collections import Counter
from collections.abc import Sequence

from slimtune.training.data.cells import ABSENT, cell_of, names_in
from slimtune.training.data.examples import Example

SHOWN = 4


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
        notes.append(f"missing labels in lists (null, NaN or blank), which are left out: {total:,} (rows: {rows:,})")
    if twice:
        shown = ", ".join(f"'{name}' {count:,}" for name, count in twice.most_common(SHOWN))
        more = f" and {len(twice) - SHOWN} more" if len(twice) > SHOWN else ""
        notes.append(f"labels that a row has more than once, read as one: {shown}{more} (rows: {num_repeating:,})")
    return notes


def _names(example: Example, column: str) -> list[str]:
    value = cell_of(example.row, column)
    return [] if value is ABSENT else names_in(value, column=column, where="", key="label_column")
