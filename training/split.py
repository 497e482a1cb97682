"""Training, validation and test rows, never with one row on two sides."""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from training.config import DataConfig
from training.errors import DataError
from training.reader import Row, read_rows


class Example(NamedTuple):
    """One input and its label, as text."""

    text: str
    label: str


class Splits(NamedTuple):
    """Attributes:
    train: Trained on.
    validation: Chooses among trials.
    test: Read once, for the winner; may be empty.
    num_duplicates: Rows dropped because the same text stood before them.
    """

    train: list[Example]
    validation: list[Example]
    test: list[Example]
    num_duplicates: int


def load_splits(data: DataConfig) -> Splits:
    """Read, deduplicate and split as `data` says.

    A held-out file keeps its rows; training rows with the same text are dropped. Splits made here keep the class
    distribution and depend on the rows and `data.seed` alone.

    Raises:
        DataError: A column is missing, a text or label is empty, or a class is too small to be split.
    """
    test = _examples(data.test_file, data) if data.test_file else []
    validation = _examples(data.validation_file, data) if data.validation_file else []
    test, seen, dropped_test = _distinct(test, set())
    validation, seen, dropped_validation = _distinct(validation, seen)
    train, seen, dropped_train = _distinct(_examples(data.train_file, data), seen)
    if not train:
        raise DataError(f"{data.train_file}: no row is left to train on after removing those in the held-out files")
    if not data.test_file and data.test_share > 0:
        train, test = _stratified(train, data.test_share, data)
    if not data.validation_file:
        # the share is of the whole file, so it grows on what the test split left
        portion = data.validation_share / (1 - (0 if data.test_file else data.test_share))
        train, validation = _stratified(train, portion, data)
    return Splits(train, validation, test, dropped_test + dropped_validation + dropped_train)


def read_examples(file: str, *, text_column: str, label_column: str) -> list[Example]:
    """The labelled rows of a file.

    Raises:
        DataError: A column is missing, or a text or label is empty; the message names the row.
    """
    columns = {"text_column": text_column, "label_column": label_column}
    return [_example(row, f"{file}, row {number}", columns) for number, row in enumerate(read_rows(file), start=1)]


def _examples(file: str, data: DataConfig) -> list[Example]:
    return read_examples(file, text_column=data.text_column, label_column=data.label_column)


def _example(row: Row, where: str, columns: Mapping[str, str]) -> Example:
    values = []
    for key, column in columns.items():
        if column not in row:
            raise DataError(f"{where}: no column '{column}' ({key}); the row has {', '.join(map(str, row))}")
        value = row[column]
        if value is None or not str(value).strip():
            raise DataError(f"{where}: column '{column}' is empty; fill it or remove the row")
        # a lone surrogate, as broken JSON escapes make it, is no text that can be encoded
        values.append(str(value).strip().encode("utf-8", "replace").decode())
    return Example(*values)


def _distinct(examples: list[Example], seen: set[str]) -> tuple[list[Example], set[str], int]:
    kept = []
    seen = set(seen)
    for example in examples:
        key = " ".join(example.text.casefold().split())
        if key not in seen:
            kept.append(example)
        seen.add(key)
    return kept, seen, len(examples) - len(kept)


def _stratified(examples: list[Example], portion: float, data: DataConfig) -> tuple[list[Example], list[Example]]:
    counts = Counter(example.label for example in examples)
    label, fewest = min(counts.items(), key=lambda item: item[1])
    if fewest < 2:
        raise DataError(
            f"{data.train_file}: class '{label}' has {fewest} row; a split that keeps the classes needs 2: "
            "add rows, remove the class, or give data.validation_file and data.test_file"
        )
    num_held_out = round(len(examples) * portion)
    if num_held_out < len(counts) or len(examples) - num_held_out < len(counts):
        raise DataError(
            f"{data.train_file}: {len(examples)} rows are too few to hold out {num_held_out} of {len(counts)} classes; "
            "add rows or give data.validation_file and data.test_file"
        )
    # here, so that reading rows alone does not import scikit-learn
    from sklearn.model_selection import train_test_split

    train, held_out = train_test_split(
        examples, test_size=num_held_out, random_state=data.seed, stratify=[example.label for example in examples]
    )
    return train, held_out
