"""Training, validation and test rows, never with one row on two sides."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from slimtune.training.config.data import DataConfig
from slimtune.training.config.task import SimilarityTask
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.absent.absent_columns import AbsentColumns, TakenRow
from slimtune.training.data.cells import ABSENT, cell_of, is_missing, text_in, value_of
from slimtune.training.data.duplicates.compared_texts import compared_texts, prompt_fields
from slimtune.training.data.examples import MESSAGES, Example, Reading
from slimtune.training.data.hold_out import hold_out
from slimtune.training.data.label_cells import label_name
from slimtune.training.data.labelled_rows import LabelBlanks
from slimtune.training.data.readers.reader import ReadOptions, Row, Told, is_local
from slimtune.training.data.readers.row_faults import RowFaults
from slimtune.training.data.row_keys import conflict_note, input_key, row_key
from slimtune.training.data.slices.row_slice import RowSource, sources_of
from slimtune.training.errors import DataError
from slimtune.training.listed_names import with_counts
from slimtune.training.stages import told_stage

# gives None for a row without text
Parser = Callable[[Row, str], Example | None]
# share of common shingles from which two texts are nearly the same: a word replaced in twenty
NEAR = 0.7
# beyond it, texts are alike because all of them share something
MAX_NEAR_SHARE = 0.1
# of the section `data`: columns that hold texts
TEXT_KEYS = ("text_column", "text_pair_column", "target_column")


@dataclass(frozen=True)
class RowSplits:
    """Rows as they were read, before any is encoded.

    Attributes:
        train: Trained on.
        validation: Chooses among trials.
        test: Read once, for the winner; may be empty.
        num_duplicates: Rows dropped because the same input with the same target stood before them in the same file.
        num_empty: Rows dropped because they have no text.
        num_leaked: Training rows dropped because a held-out file has the same input.
        near_leaks: Training texts that are nearly a held-out text, with that text.
        near_dropped: Whether they were left out: not where `data.drop_leaks` says so, nor where they are so many that
            the rows must have much in common, as a shared instruction.
        near_shared: Whether they are so many.
        near_known: Whether they were looked for (`data.near_duplicates`).
        split_off: Held-out rows that come from the training file.
        notes: What a person should know of how the files were read.
        blank_columns: In how many of the empty rows a column is blank, by its name and the key that names it.
        known_digests: `digests`, where they are known beforehand.
    """

    train: Sequence[Example]
    validation: Sequence[Example]
    test: Sequence[Example]
    num_duplicates: int
    num_empty: int
    num_leaked: int
    near_leaks: list[tuple[str, str]]
    near_dropped: bool
    near_shared: bool = False
    near_known: bool = True
    split_off: Sequence[Example] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    blank_columns: Mapping[str, int] = field(default_factory=dict)
    known_digests: Mapping[str, str] | None = None

    def named(self) -> dict[str, Sequence[Example]]:
        """The rows by the name of their split, as metrics are named."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    @cached_property
    def fingerprint(self) -> str:
        """sha256 of the rows and the split that each is in."""
        return hashlib.sha256(json.dumps(self.digests, sort_keys=True).encode()).hexdigest()

    @cached_property
    def digests(self) -> Mapping[str, str]:
        """sha256 of the contents of each split's rows."""
        return self.known_digests or {name: rows_content_digest(examples) for name, examples in self.named().items()}


def rows_content_digest(examples: Iterable[Example]) -> str:
    """sha256 of the contents of rows, one after the other: their texts are not all in memory once more."""
    digest = hashlib.sha256()
    for example in examples:
        data = json.dumps(example.content(), ensure_ascii=False).encode()
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


class _Read(NamedTuple):
    """Rows of a file; `blank` counts those that were left out by the key of the column that is blank in them."""

    examples: list[Example]
    num_duplicates: int
    num_empty: int
    blank: Mapping[str, int]


def load_splits(config: TrialConfig, reading: Reading, faults: RowFaults | None = None) -> RowSplits:
    """Read, deduplicate and split as `config.data` says; `reading` is the task's.

    A held-out file keeps its rows; training rows with the same input are dropped. Splits made here keep the class
    distribution, the groups and equal inputs, and depend on the rows and `data.seed` alone.

    Args:
        config: The trial's.
        reading: How its task reads rows.
        faults: Takes the faults of rows, which are left out then; None raises them.

    Raises:
        DataError: A column is missing, a label or a group is empty, or a class is too small to be split.
    """
    data, told = config.data, Told()
    options = ReadOptions(told, data.encoding)
    found = RowFaults() if faults is None else faults
    blanks = LabelBlanks(data.label_column) if reading.has_labels else None
    train, validation, test = (
        _read(source, data, _parser(config, reading, source, blanks), options, found)
        if source.name
        else _Read([], 0, 0, {})
        for source in sources_of(data)
    )
    if faults is None:
        found.check()
    read = (train, validation, test)
    num_rows = sum(len(part.examples) for part in read)
    try:
        with told_stage("splits the rows", num_rows):
            given = _without_leaks(train.examples, validation.examples, test.examples, data)
            sides = _split(given, data, reading)
    except DataError as error:
        if not train.num_duplicates:
            raise
        raise DataError(f"{error} (left out before, as equal to a row above: {train.num_duplicates:,})") from error
    rows, held_out = sides.train, [*sides.validation, *sides.test]
    leaks = _near_leaks(rows, held_out, config) if reading.has_near_leaks and data.near_duplicates else {}
    near_shared = len(leaks) > MAX_NEAR_SHARE * len(rows)
    near_dropped = data.drop_leaks and not near_shared
    # scores and names of pairs are numbers to the task
    column = data.label_column if isinstance(config.task, SimilarityTask) else None
    conflict = conflict_note([example for part in read for example in part.examples], column=column)
    return RowSplits(
        [row for index, row in enumerate(rows) if index not in leaks] if near_dropped else rows,
        sides.validation,
        sides.test,
        num_duplicates=sum(part.num_duplicates for part in read),
        num_empty=sum(part.num_empty for part in read),
        num_leaked=len(train.examples) - len(given.train) + len(validation.examples) - len(given.validation),
        near_leaks=[(rows[index].text, other) for index, other in leaks.items()],
        near_dropped=near_dropped,
        near_shared=near_shared,
        near_known=data.near_duplicates,
        split_off=[
            *([] if data.validation_file else sides.validation),
            *([] if data.test_file else sides.test),
        ],
        # last, next to what the report says of rows that are nearly so
        notes=[
            *told.notes(),
            *(blanks.notes() if blanks else []),
            *_group_notes(sides, data),
            *([conflict] if conflict else []),
        ],
        blank_columns=_named_columns(sum((Counter(part.blank) for part in read), Counter[str]()), data),
    )


def check_rows(config: TrialConfig, reading: Reading) -> None:
    """Whether each row of each file can be read, whatever is to become of them.

    Raises:
        DataError: One cannot.
    """
    data, faults = config.data, RowFaults()
    for source in sources_of(data):
        if source.name:
            _read(source, data, _parser(config, reading, source), ReadOptions(Told(), data.encoding), faults)
    faults.check()


class _Sides(NamedTuple):
    train: list[Example]
    validation: list[Example]
    test: list[Example]


def _is_split(name: Any, data: DataConfig) -> bool:
    """Whether rows of the file are held out."""
    is_split = not data.validation_file or (not data.test_file and data.test_share > 0)
    return is_split and name == data.train_file


def _without_leaks(train: list[Example], validation: list[Example], test: list[Example], data: DataConfig) -> _Sides:
    """The rows of each file that no file of more weight has: test, then validation, then training."""
    if train and not validation and not test:
        return _Sides(train, validation, test)
    key: Callable[[Example], Any] = input_key if data.group_inputs else row_key
    seen = {key(example) for example in test}
    kept_validation = [example for example in validation if key(example) not in seen]
    seen |= {key(example) for example in kept_validation}
    rows = [example for example in train if key(example) not in seen]
    if not rows:
        raise DataError(f"{data.train_file}: no row is left to train on after removing those in the held-out files")
    if validation and not kept_validation:
        raise DataError(f"{data.validation_file}: all its rows are in data.test_file too; give other rows")
    return _Sides(rows, kept_validation, test)


def _split(given: _Sides, data: DataConfig, reading: Reading) -> _Sides:
    """What held-out files leave open, split off the training rows."""
    rows, validation, test = given
    if not data.test_file and data.test_share > 0:
        rows, test = hold_out(rows, data.test_share, data, reading.stratify_by)
    if not data.validation_file:
        # the share is of the whole file, so it grows on what the test split left
        portion = data.validation_share / (1 - (0 if data.test_file else data.test_share))
        rows, validation = hold_out(rows, portion, data, reading.stratify_by)
    return _Sides(rows, validation, test)


def _group_notes(sides: _Sides, data: DataConfig) -> list[str]:
    """Groups that stand on two sides, as the given files have them."""
    if data.group_column is None:
        return []
    train, *others = ({example.group for example in side if example.group} for side in sides)
    shared = train & set().union(*others)
    what = f"groups (data.group_column) with rows in training and in a held-out file: {len(shared):,}"
    return [f"{what}, e.g. '{min(shared)}'"] if shared else []


def _parser(config: TrialConfig, reading: Reading, source: RowSource, blanks: LabelBlanks | None = None) -> Parser:
    needs_group = _is_split(source.name, config.data)

    def parsed(row: Row, where: str) -> Example | None:
        example = reading.parse(row, where, config)
        if example is None:
            return None
        if blanks is not None:
            blanks.see(example, row, where)
        return example._replace(group=_group(row, where, config.data, needed=needs_group), row=row)

    return parsed


def _group(row: Row, where: str, data: DataConfig, *, needed: bool) -> str:
    """The group of a row; empty if it has none.

    Raises:
        DataError: It has none, and one is needed.
    """
    if data.group_column is None:
        return ""
    value = value_of(row, data.group_column, where, "group_column") if needed else cell_of(row, data.group_column)
    if value is ABSENT or (is_missing(value) and not needed):
        return ""
    if is_missing(value):
        repair = "fill it, or use data.group_column=null"
        raise DataError(f"{where}: no group, column '{data.group_column}' (data.group_column) is empty; {repair}")
    return label_name(text_in(value, column=data.group_column, where=where, key="group_column"), value)


def _named_columns(blank: Mapping[str, int], data: DataConfig) -> dict[str, int]:
    """Counts by what a person calls the column."""
    return {f"'{getattr(data, key, key)}' ({key})": count for key, count in blank.items()}


def blank_columns(row: Row, data: DataConfig) -> list[str]:
    """Columns of texts that are blank in a row, each with the key that names it."""
    return list(_named_columns(Counter(_blank_columns(row, data)), data))


def _blank_columns(row: Row, data: DataConfig) -> list[str]:
    """Keys of the columns of texts that are blank in a row."""
    keys = TEXT_KEYS if data.text_template is None else TEXT_KEYS[-1:]
    columns = {key: getattr(data, key) for key in keys}
    blank = [key for key, column in columns.items() if column is not None and is_missing(cell_of(row, column))]
    return blank or ([MESSAGES] if MESSAGES in row else [])


def _parsed(
    source: RowSource, data: DataConfig, parse: Parser, options: ReadOptions, faults: RowFaults
) -> Iterator[TakenRow[Example | None]]:
    name, absent = str(source.name), AbsentColumns(lambda: source.again(data))
    rows = source.read(data, options)
    rows = rows if source.part is None else source.part.of(rows)
    for row, where in faults.readable(name, rows):
        yield from faults.parsed(name, row, where, lambda row, where: absent.parsed(row, where, parse))
    options.told.say(absent.notes())


def _read(source: RowSource, data: DataConfig, parse: Parser, options: ReadOptions, faults: RowFaults) -> _Read:
    name = source.name
    first: dict[Any, Example] = {}
    num_duplicates = num_empty = 0
    blank: Counter[str] = Counter()
    with told_stage(f"reads {name}") as under_way:
        for row, example in _parsed(source, data, parse, options, faults):
            under_way.advance()
            if example is None:
                num_empty += 1
                blank.update(_blank_columns(row, data))
            elif (key := row_key(example)) in first:
                num_duplicates += 1
            else:
                first[key] = example
    if not first and not faults.num_of(str(name)):
        faults.add(str(name), "", DataError(_no_rows(source, num_empty, _named_columns(blank, data))))
    return _Read(list(first.values()), num_duplicates, num_empty, blank)


def _no_rows(source: RowSource, num_empty: int, blank: Mapping[str, int]) -> str:
    """The key and what it names, and whether there is nothing at all or no text."""
    lacking = "no rows with text" if num_empty else "no rows at all"
    found = f", for columns are blank in them: {with_counts(blank)}" if blank else ""
    what = "give a file with at least one row" if is_local(str(source.name)) else "name a split with at least one row"
    return f"{source.key} is {source.name}, which has {lacking}{found}; {what}"


def _near_leaks(examples: list[Example], held_out: list[Example], config: TrialConfig) -> dict[int, str]:
    """Training rows that are nearly a held-out row, with that row's text."""
    from slimtune.training.data.duplicates.near_duplicates import near_duplicates

    texts, others = compared_texts([examples, held_out], prompt_fields(config))
    first: dict[int, str] = {}
    with told_stage("looks for training rows that are nearly held-out rows (data.near_duplicates)", len(texts)):
        for match in near_duplicates(texts, others, threshold=NEAR):
            first.setdefault(match.text, held_out[match.other].both)
    return first
