"""Which columns hold texts, and which two of them belong together."""

from collections.abc import Collection, Sequence
from itertools import combinations, takewhile

from slimtune.sweeper.starting.seen_columns import Holds, SeenColumn
from slimtune.training.data.cells import SENTENCE_WORDS

# what names of two texts of one kind differ in, beside a number: question1 and question2, text and text_pair
MARKS = ("", "a", "b", "x", "y", "l", "r", "pair", "other", "first", "second", "one", "two", "left", "right")
# sentences that repeat are texts where there are so many, each in few rows: classes are fewer, or have more rows
LEAST_SENTENCES, MOST_ROWS_A_SENTENCE = 20, 10
# words of a value, on average, that may answer something
ANSWER_WORDS = 2
# two texts of one kind are about as long
MOST_LONGER = 2


def with_texts(columns: Sequence[SeenColumn], labels: Collection[str]) -> Sequence[SeenColumn]:
    """Columns of many sentences that repeat are texts, and so is the twin of a text. Where no other is, codes are
    (formulas, words with numbers), else sentences that repeat.

    Args:
        columns: Those of the first rows.
        labels: What labels are called, in lower case: such a column is none.
    """
    asked = [one for one in columns if one.name.lower() not in labels]
    texts = {one.name for one in columns if one.holds is Holds.text}
    texts |= {one.name for one in asked if _has_many_sentences(one)}
    if not texts:
        texts = {one.name for one in columns if one.holds is Holds.code} or _repeated_sentences(columns)
    else:
        texts |= {one.name for one in asked if _has_sentences(one) and any(are_twins(one.name, name) for name in texts)}
    return [one._replace(holds=Holds.text) if one.name in texts else one for one in columns]


def _has_sentences(column: SeenColumn) -> bool:
    """Whether they repeat, as names do."""
    return column.holds is Holds.name and column.num_words >= SENTENCE_WORDS


def _has_many_sentences(column: SeenColumn) -> bool:
    return _has_sentences(column) and _are_many(column)


def _are_many(column: SeenColumn) -> bool:
    """Whether there are many values, each in few rows."""
    is_rare = column.num_cells <= MOST_ROWS_A_SENTENCE * column.num_distinct
    return column.num_distinct >= LEAST_SENTENCES and is_rare


def _repeated_sentences(columns: Sequence[SeenColumn]) -> set[str]:
    """The column with most of them, with the one that is called as its twin is: others may be labels."""
    sentences = [one for one in columns if _has_sentences(one)]
    most = max(sentences, key=lambda one: one.num_distinct, default=None)
    return {one.name for one in sentences if most is not None and are_twins(one.name, most.name)}


def two_texts(columns: Sequence[SeenColumn]) -> list[SeenColumn]:
    """Of several texts those that are called as two of one kind are, else the two longest, as they stand."""
    twins = next((two for two in combinations(columns, 2) if are_twins(two[0].name, two[1].name)), None)
    two = twins or sorted(columns, key=lambda one: -one.num_letters)[:2]
    return [one for one in columns if one in two]


def are_twins(name: str, other: str) -> bool:
    """Whether columns are called as two texts of one kind are, and not as a title and a body."""
    start = _num_same(name, other)
    end = _num_same(name[start:][::-1], other[start:][::-1])
    marks = [one[start : len(one) - end].lower().strip("_-. ") for one in (name, other)]
    return all(mark in MARKS or mark.isdecimal() for mark in marks)


def _num_same(name: str, other: str) -> int:
    """Of the first letters."""
    return len(list(takewhile(lambda two: two[0] == two[1], zip(name, other, strict=False))))


def are_as_long(text: SeenColumn, other: SeenColumn) -> bool:
    """Whether neither of two texts is more than twice as long as the other."""
    shorter, longer = sorted((text.num_letters, other.num_letters))
    return longer <= MOST_LONGER * shorter


def longest_text(columns: Sequence[SeenColumn]) -> str | None:
    """None where no column holds texts."""
    texts = [one for one in columns if one.holds is Holds.text]
    return max(texts, key=lambda one: one.num_letters).name if texts else None


def holds_sentences(column: SeenColumn) -> bool:
    """Whether its cells are texts, or sentences that repeat."""
    return column.holds is Holds.text or _has_sentences(column)


def may_be_answers(column: SeenColumn) -> bool:
    """Whether values that repeat may be short answers as well as classes: they are many, each in few rows, have several
    words, or mostly end as sentences do.
    """
    has_form = column.num_words >= ANSWER_WORDS or 2 * column.num_ended >= column.num_cells
    return column.holds is Holds.name and (has_form or _are_many(column))
