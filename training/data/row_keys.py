"""When rows are the same: by input, and by input and target."""

import hashlib
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence

from slimtune.training.data.cells import cell_of
from slimtune.training.data.examples import Example

SHOWN_CHARACTERS, SHOWN_TARGETS, SHOWN_INPUTS = 60, 3, 3
# a longer input is known by its digest
MOST_CHARACTERS, DIGEST_BYTES = 64, 16


def input_key(example: Example) -> str:
    """Equal for inputs that a person would call the same."""
    return text_key(f"{example.text} {example.pair}")


def text_key(text: str) -> str:
    """Equal for texts that a person would call the same."""
    # é is one sign or two; ASCII has no such sign, and folds as it is lowered
    folded = text.lower() if text.isascii() else unicodedata.normalize("NFC", text).casefold()
    folded = " ".join(folded.split())
    if len(folded) <= MOST_CHARACTERS:
        return folded
    # of two million texts, keys that are the texts again take as much memory as these
    return hashlib.blake2b(folded.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).hexdigest()


def row_key(example: Example) -> tuple[str, ...]:
    """Equal for rows whose inputs are the same, and whose targets are to the letter."""
    return (input_key(example), " ".join(example.label.split()), *example.labels, *map(str, example.spans))


def by_input(examples: Iterable[Example]) -> dict[str, list[Example]]:
    """Examples with the same input together, in the order of the first of each."""
    found: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        found[input_key(example)].append(example)
    return found


def target_conflicts(examples: Sequence[Example]) -> list[list[Example]]:
    """Rows with the same input and different targets, by input."""
    return [
        rows
        for rows in by_input(examples).values()
        if len(rows) > 1 and len({row_key(example) for example in rows}) > 1
    ]


def conflict_note(examples: Sequence[Example], *, column: str | None = None) -> str | None:
    """What a person should know of inputs with several targets; None if there are none.

    Args:
        examples: All rows.
        column: Where targets stand as a person wrote them, if tasks read them as something else.
    """
    conflicts = target_conflicts(examples)
    if not conflicts:
        return None
    shown = "; ".join(_conflict(rows, column) for rows in conflicts[:SHOWN_INPUTS])
    return f"inputs with several targets: {len(conflicts):,}, in {sum(map(len, conflicts)):,} rows; e.g. {shown}"


def _conflict(rows: Sequence[Example], column: str | None) -> str:
    written = (_target(one) if column is None else str(cell_of(one.row, column)) for one in rows[:SHOWN_TARGETS])
    targets = ", ".join(f"'{short_text(target)}'" for target in written)
    return f"'{short_text(rows[0].both)}': {targets}"


def _target(example: Example) -> str:
    return example.label or ", ".join(f"{span.start} to {span.end} {span.label}" for span in example.spans) or "none"


def short_text(text: str) -> str:
    """Its beginning, on one line."""
    text = " ".join(text.split())
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."
