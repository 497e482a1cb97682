"""A portion of the rows held out: groups and equal inputs stay on one side, and the class distribution is kept."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from slimtune.training.alike_names import looks_like
from slimtune.training.config.data import DataConfig
from slimtune.training.data.cells import SENTENCE_WORDS, words_a_text
from slimtune.training.data.examples import Example
from slimtune.training.data.labelled_rows import are_ids, label_columns
from slimtune.training.data.row_keys import by_input, input_key
from slimtune.training.errors import DataError
from slimtune.training.listed_names import counted, with_commas

# classes that a message names
SHOWN = 5
# of a label
SHOWN_LETTERS = 60
StratifyBy = Callable[[Sequence[Example]], Sequence[str] | None]


class Sides(NamedTuple):
    """The rows without a portion of them, and that portion."""

    kept: list[Example]
    held_out: list[Example]


def hold_out(examples: list[Example], portion: float, data: DataConfig, stratify_by: StratifyBy) -> Sides:
    """Hold a portion of the rows out, by `data.seed`.

    Raises:
        DataError: There are too few rows, groups, inputs, or rows of a class.
    """
    if data.group_column is not None:
        return _by_group(examples, portion, data)
    if not data.group_inputs:
        return _by_row(examples, portion, data, stratify_by)
    together = by_input(examples)
    if len(together) == 1 < len(examples):
        raise DataError(_one_input(examples, data))
    first = [rows[0] for rows in together.values()]
    kept, out = _by_row(first, portion, data, stratify_by, noun="rows" if len(first) == len(examples) else "inputs")
    # a split gives the same objects, so that no input is looked at again
    rows_of = {id(rows[0]): rows for rows in together.values()}
    return Sides(*([row for one in side for row in rows_of[id(one)]] for side in (kept, out)))


def _by_row(
    examples: list[Example], portion: float, data: DataConfig, stratify_by: StratifyBy, *, noun: str = "rows"
) -> Sides:
    # here, so that reading rows alone does not import scikit-learn
    from sklearn.model_selection import train_test_split

    num_held_out = round(len(examples) * portion)
    classes = stratify_by(examples)
    if classes is not None:
        _check_ids(examples, classes, data)
        _check_classes(classes, num_held_out, data)
    elif not 0 < num_held_out < len(examples):
        raise DataError(
            f"{data.train_file}: {len(examples)} {noun} are too few to hold out {_share(portion, num_held_out)}; "
            f"add {noun}, or give "
            "data.validation_file and data.test_file"
        )
    return Sides(*train_test_split(examples, test_size=num_held_out, random_state=data.seed, stratify=_ids(classes)))


def _ids(classes: Sequence[str] | None) -> list[int] | None:
    """Classes by number, in their order: numpy's texts lose a NUL at their end."""
    if classes is None:
        return None
    ids = {name: number for number, name in enumerate(sorted(set(classes)))}
    return [ids[name] for name in classes]


def _by_group(examples: list[Example], portion: float, data: DataConfig) -> Sides:
    from sklearn.model_selection import GroupShuffleSplit

    groups = _joined_by_input(examples) if data.group_inputs else [example.group for example in examples]
    if len(set(groups)) < 3:
        joined = ", where equal inputs join them (data.group_inputs)" if data.group_inputs else ""
        raise DataError(
            f"{data.train_file}: data.group_column has {len(set(groups))} groups{joined}; a split needs three"
        )
    shuffle = GroupShuffleSplit(1, test_size=portion, random_state=data.seed)
    kept, out = next(shuffle.split(examples, groups=groups))
    return Sides([examples[index] for index in kept], [examples[index] for index in out])


def _joined_by_input(examples: Sequence[Example]) -> list[str]:
    """The group of each row; groups that share an input are one."""
    root: dict[str, str] = {}
    first: dict[str, str] = {}

    def of(group: str) -> str:
        while root.setdefault(group, group) != group:
            group = root[group]
        return group

    for example in examples:
        root[of(example.group)] = of(first.setdefault(input_key(example), example.group))
    return [of(example.group) for example in examples]


def _one_input(examples: Sequence[Example], data: DataConfig) -> str:
    return (
        f"{data.train_file}: all {len(examples)} rows have the input '{examples[0].both[:60]}', and rows with the same "
        "input stay on one side of a split; give other inputs too, learn the texts alone (task=language_modelling), "
        "or use data.group_inputs=false"
    )


def _share(portion: float, num: int) -> str:
    return f"{num}" if num else f"one: {100 * portion:.3g} % of them is none"


def _check_ids(examples: Sequence[Example], classes: Sequence[str], data: DataConfig) -> None:
    """Labels that look like the numbers of rows; sentences are answers."""
    labels = set(classes)
    if not are_ids(labels, len(classes)) or words_a_text(labels) >= SENTENCE_WORDS:
        return
    column = data.label_column
    others = label_columns(examples, {data.text_column, data.text_pair_column, data.group_column, column})
    shown = with_commas([f"data.label_column={name}" for name in others[:SHOWN]])
    could = f"name a column whose values repeat: {shown}" if others else "name a column whose values repeat"
    raise DataError(
        f"{data.train_file}: data.label_column is {column}, which looks like an ID: {len(labels):,} labels in "
        f"{len(classes):,} rows, such as {with_commas([repr(one) for one in sorted(labels)[:3]])}; {could}; or, if "
        "these are classes, add rows of each"
    )


def _check_classes(classes: Sequence[str], num_held_out: int, data: DataConfig) -> None:
    counts = Counter(classes)
    single = [label for label, count in counts.items() if count < 2]
    if single:
        shown = [f"'{label}'{looks_like(label, [one for one in counts if one != label])}" for label in single[:SHOWN]]
        more = f" and {len(single) - SHOWN:,} more" if len(single) > SHOWN else ""
        have = "class {} has 1 row" if len(single) == 1 else "the classes {} have 1 row each"
        alike = ", write those that are one in one way" if any("looks like" in one for one in shown) else ""
        raise DataError(
            f"{data.train_file}: {have.format(', '.join(shown) + more)}; a split that keeps the classes needs 2: "
            f"add rows, remove the class{alike}, or give data.validation_file and data.test_file{_are_answers(counts)}"
        )
    if num_held_out < len(counts) or len(classes) - num_held_out < len(counts):
        raise DataError(
            f"{data.train_file}: {counted(len(classes), 'row is', 'rows are')} too few to hold out "
            f"{num_held_out} of {len(counts)} classes; add rows or give data.validation_file and "
            f"data.test_file{_are_answers(counts)}"
        )


def _are_answers(labels: Collection[str]) -> str:
    """What to do where labels are sentences, which people write as answers."""
    if words_a_text(labels) < SENTENCE_WORDS:
        return ""
    return (
        f"; labels such as '{min(labels, key=len)[:SHOWN_LETTERS]}' are sentences: if they are answers, learn to write "
        "them (task=generation; slimtune init --task generation writes a config for it)"
    )
