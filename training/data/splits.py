"""Training, validation and test rows, never with one row on two sides."""

import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from slimtune.training.config.data import DataConfig
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.examples import Example, Reading
from slimtune.training.data.readers.reader import Row, iter_rows, read_with
from slimtune.training.errors import DataError

# gives None for a row without text
Parser = Callable[[Row, str], Example | None]
StratifyBy = Callable[[Sequence[Example]], Sequence[str] | None]
# share of common shingles from which two texts are nearly the same: a word replaced in twenty
NEAR = 0.7
# beyond it, texts are alike because all of them share something
MAX_NEAR_SHARE = 0.1


@dataclass(frozen=True)
class RowSplits:
    """Rows as they were read, before any is encoded.

    Attributes:
        train: Trained on.
        validation: Chooses among trials.
        test: Read once, for the winner; may be empty.
        num_duplicates: Rows dropped because the same text stood before them in the same file.
        num_empty: Rows dropped because they have no text.
        num_leaked: Training rows dropped because a held-out file has the same text.
        near_leaks: Training texts that are nearly a held-out text, with that text.
        near_dropped: Whether they were left out: not where `data.drop_leaks` says so, nor where they are so many that
            the rows must have much in common, as a shared instruction.
    """

    train: list[Example]
    validation: list[Example]
    test: list[Example]
    num_duplicates: int
    num_empty: int
    num_leaked: int
    near_leaks: list[tuple[str, str]]
    near_dropped: bool

    def named(self) -> dict[str, list[Example]]:
        """The rows by the name of their split, as metrics are named."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    @cached_property
    def fingerprint(self) -> str:
        """sha256 of the rows and the split that each is in."""
        rows = {name: [example.content() for example in examples] for name, examples in self.named().items()}
        return hashlib.sha256(json.dumps(rows, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


class _Read(NamedTuple):
    examples: list[Example]
    num_duplicates: int
    num_empty: int


def load_splits(config: TrialConfig, reading: Reading) -> RowSplits:
    """Read, deduplicate and split as `config.data` says; `reading` is the task's.

    A held-out file keeps its rows; training rows with the same text are dropped. Splits made here keep the class
    distribution and the groups, and depend on the rows and `data.seed` alone.

    Raises:
        DataError: A column is missing, a label is empty, or a class is too small to be split.
    """
    data, parse = config.data, _parser(config, reading)
    test, validation, train = (
        _read(name, data, parse) if name else _Read([], 0, 0)
        for name in (data.test_file, data.validation_file, data.train_file)
    )
    seen = {_key(example) for example in test.examples}
    kept_validation = [example for example in validation.examples if _key(example) not in seen]
    seen |= {_key(example) for example in kept_validation}
    rows = [example for example in train.examples if _key(example) not in seen]
    num_leaked = len(train.examples) - len(rows) + len(validation.examples) - len(kept_validation)
    if not rows:
        raise DataError(f"{data.train_file}: no row is left to train on after removing those in the held-out files")
    if validation.examples and not kept_validation:
        raise DataError(f"{data.validation_file}: all its rows are in data.test_file too; give other rows")
    held_test, held_validation = test.examples, kept_validation
    if not data.test_file and data.test_share > 0:
        rows, held_test = _hold_out(rows, data.test_share, data, reading.stratify_by)
    if not data.validation_file:
        # the share is of the whole file, so it grows on what the test split left
        portion = data.validation_share / (1 - (0 if data.test_file else data.test_share))
        rows, held_validation = _hold_out(rows, portion, data, reading.stratify_by)
    leaks = _near_leaks(rows, [*held_validation, *held_test]) if reading.has_near_leaks else {}
    near_dropped = data.drop_leaks and len(leaks) <= MAX_NEAR_SHARE * len(rows)
    read = (train, validation, test)
    return RowSplits(
        [row for index, row in enumerate(rows) if index not in leaks] if near_dropped else rows,
        held_validation,
        held_test,
        num_duplicates=sum(part.num_duplicates for part in read),
        num_empty=sum(part.num_empty for part in read),
        num_leaked=num_leaked,
        near_leaks=[(rows[index].text, other) for index, other in leaks.items()],
        near_dropped=near_dropped,
    )


def _parser(config: TrialConfig, reading: Reading) -> Parser:
    def parsed(row: Row, where: str) -> Example | None:
        example = reading.parse(row, where, config)
        if example is None:
            return None
        return example._replace(group=str(row.get(config.data.group_column or "", "")), row=row)

    return parsed


def _parsed(name: Any, data: DataConfig, parse: Parser) -> Iterator[Example | None]:
    names = [name] if isinstance(name, str) else name
    rows: Iterator[Row] = (
        iter_rows(names)
        if data.reader is None
        else itertools.chain.from_iterable(read_with(data.reader, one) for one in names)
    )
    for number, row in enumerate(rows, start=1):
        yield parse(row, f"{name}, row {number}")


def _read(name: Any, data: DataConfig, parse: Parser) -> _Read:
    first: dict[str, Example] = {}
    num_duplicates = num_empty = 0
    for example in _parsed(name, data, parse):
        if example is None:
            num_empty += 1
        elif (key := _key(example)) in first:
            num_duplicates += 1
        else:
            first[key] = example
    if not first:
        raise DataError(f"{name}: no rows with text; give a file with at least one row")
    return _Read(list(first.values()), num_duplicates, num_empty)


def _key(example: Example) -> str:
    """Equal for rows that a person would call the same."""
    return " ".join(f"{example.text} {example.pair}".casefold().split())


def _near_leaks(examples: list[Example], held_out: list[Example]) -> dict[int, str]:
    """Training rows that are nearly a held-out row, with that row's text."""
    from slimtune.training.data.near_duplicates import near_duplicates

    texts, others = ([f"{one.text} {one.pair}".strip() for one in part] for part in (examples, held_out))
    first: dict[int, str] = {}
    for match in near_duplicates(texts, others, threshold=NEAR):
        first.setdefault(match.text, others[match.other])
    return first


def _hold_out(
    examples: list[Example], portion: float, data: DataConfig, stratify_by: StratifyBy
) -> tuple[list[Example], list[Example]]:
    """The rows without a portion of them, and that portion."""
    # here, so that reading rows alone does not import scikit-learn
    from sklearn.model_selection import GroupShuffleSplit, train_test_split

    if data.group_column is not None:
        groups = [example.group for example in examples]
        if not all(groups):
            raise DataError(f"{data.train_file}: a row has no '{data.group_column}' (data.group_column); fill it")
        if len(set(groups)) < 3:
            raise DataError(f"{data.train_file}: data.group_column has {len(set(groups))} groups; a split needs three")
        shuffle = GroupShuffleSplit(1, test_size=portion, random_state=data.seed)
        kept, out = next(shuffle.split(examples, groups=groups))
        return [examples[index] for index in kept], [examples[index] for index in out]
    num_held_out = round(len(examples) * portion)
    classes = stratify_by(examples)
    if classes is not None:
        _check_classes(classes, num_held_out, data)
    elif not 0 < num_held_out < len(examples):
        raise DataError(
            f"{data.train_file}: {len(examples)} rows are too few to hold out {num_held_out}; add rows, or give "
            "data.validation_file and data.test_file"
        )
    train, held_out = train_test_split(examples, test_size=num_held_out, random_state=data.seed, stratify=classes)
    return train, held_out


def _check_classes(classes: Sequence[str], num_held_out: int, data: DataConfig) -> None:
    counts = Counter(classes)
    label, fewest = min(counts.items(), key=lambda item: item[1])
    if fewest < 2:
        raise DataError(
            f"{data.train_file}: class '{label}' has {fewest} row; a split that keeps the classes needs 2: "
            "add rows, remove the class, or give data.validation_file and data.test_file"
        )
    if num_held_out < len(counts) or len(classes) - num_held_out < len(counts):
        raise DataError(
            f"{data.train_file}: {len(classes)} rows are too few to hold out {num_held_out} of {len(counts)} classes; "
            "add rows or give data.validation_file and data.test_file"
        )
