"""Columns that other trainers act by, and that nothing here is read from."""

from collections.abc import Collection, Iterable, Iterator, Sequence

from slimtune.training.config.task import METRIC_KEYS, ExtractionTask, GenerationTask, LanguageModellingTask
from slimtune.training.config.template import fields_of
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.cells import ABSENT, cell_of, is_missing
from slimtune.training.data.examples import MESSAGES, Example
from slimtune.training.data.readers.row import ID_ENDING, OF_TEXT_FILES
from slimtune.training.data.tagged_rows import WORDS
from slimtune.training.listed_names import with_commas
from slimtune.training.metrics.load import HUB

WEIGHTS = ("weight", "weights", "sample_weight", "example_weight", "loss_weight", "row_weight")
MASKS = ("completion_mask", "assistant_mask", "assistant_masks", "loss_mask")
SPLITS = ("split", "subset", "fold")
SPLIT_NAMES = {"train", "training", "validation", "valid", "val", "dev", "test", "testing", "eval", "evaluation"}
# what annotators said of a row (Prodigy, Argilla, Label Studio), and the words that refuse it
VERDICTS = ("answer", "status", "verdict", "decision", "review_status", "was_cancelled")
REFUSED = {"reject", "rejected", "ignore", "ignored", "skip", "skipped", "discard", "discarded", "cancelled", "true"}
KEPT = {"accept", "accepted", "submit", "submitted", "approve", "approved", "pending", "draft", "completed", "false"}
# of an answer, whether people liked it, as trainers by preference take it (KTO, DPO)
LIKED = ("label", "desirable", "liked", "is_chosen", "is_preferred", "thumbs_up")
DISLIKED_WORDS, LIKED_WORDS = {"false", "0"}, {"true", "1"}
REJECTED = ("rejected", "rejected_response", "dispreferred")
SHOWN = 4
# of `data=file` and `data=hub`
USUAL_TEXT = "text"
# rows that come with slimtune
SHIPPED = "package:slimtune/"
NOTHING_READ = "nothing is read from"
MOST_NAMED = 12
NO_WEIGHT = "each row counts as one; repeat the rows that shall count more, or name task.class_weights"


def columns_of(config: TrialConfig) -> set[str]:
    """Columns that a config's rows are read from."""
    data = config.data
    text = None if _idles_text_column(config) else data.text_column
    named = {text, data.text_pair_column, data.group_column, *fields_of(data.text_template or "")}
    match config.task:
        case GenerationTask():
            named |= {data.target_column, MESSAGES}
        case ExtractionTask():
            named |= {data.label_column, WORDS}
        case LanguageModellingTask():
            pass
        case _:
            named |= {data.label_column, data.target_column}
    return {name for name in named if name is not None}


def idle_text_column(config: TrialConfig) -> Iterator[str]:
    """A sentence where a config names `data.text_column` beside a template, which goes before it."""
    data = config.data
    # a config that ships names one for the templates of the user's own
    ships = str(data.train_file).startswith(SHIPPED)
    if _idles_text_column(config) and data.text_column != USUAL_TEXT and not ships:
        yield f"data.text_column={data.text_column} is not read: data.text_template is, with its fields"


def _idles_text_column(config: TrialConfig) -> bool:
    return isinstance(config.task, GenerationTask) and config.data.text_template is not None


def unread_notes(examples: Sequence[Example], read: Collection[str]) -> list[str]:
    """A sentence for each such column that says something.

    Args:
        examples: The rows.
        read: Columns that they are read from.
    """
    unread = _columns_in(examples) - {*read}
    return [
        *(note for name in WEIGHTS if name in unread for note in _weights(examples, name)),
        *(note for name in MASKS if name in unread for note in _masks(examples, name)),
        *(note for name in VERDICTS if name in unread for note in _verdicts(examples, name)),
        *(note for name in LIKED if name in unread for note in _liked(examples, name)),
        *(note for name in REJECTED if name in unread for note in _rejected(examples, name)),
    ]


def unread_columns(examples: Sequence[Example], read: Collection[str], metrics: Sequence[str] = ()) -> Iterator[str]:
    """All columns that nothing is read from, in a sentence: whatever they were meant for, they are nothing here.

    Args:
        examples: The rows.
        read: Columns that they are read from.
        metrics: What is computed; metrics of the user's own get whole rows.
    """
    # the ids of class labels are written beside their names when they are read
    known = {*read, *(f"{name}{ID_ENDING}" for name in read)}
    known.update(OF_TEXT_FILES if all([*example.row] == OF_TEXT_FILES for example in examples) else ())
    what = (
        "slimtune reads nothing from (metrics of your own that take rows see every column)"
        if _see_rows(metrics)
        else NOTHING_READ
    )
    yield from told_unread(sorted(_columns_in(examples) - known), read, what)


def told_unread(names: Iterable[str], read: Collection[str], what: str = NOTHING_READ) -> Iterator[str]:
    """A sentence that names the columns that are not read, where there are any.

    Args:
        names: All columns, in the order to name them.
        read: Columns, or paths into their cells, that rows are read from.
        what: What is said of those that are not.
    """
    left = [name for name in names if name not in read and not any(_leads_to(name, one) for one in read)]
    if left:
        shown = with_commas([f"'{name}'" for name in left[:MOST_NAMED]])
        more = f" and {len(left) - MOST_NAMED:,} more" if len(left) > MOST_NAMED else ""
        yield f"columns that {what}: {shown}{more}"


def _see_rows(metrics: Sequence[str]) -> bool:
    """Whether any is a function of the user's own, or a class."""
    return any("." in name and not name.startswith(HUB) for name in metrics if name not in METRIC_KEYS)


def _leads_to(column: str, read: str) -> bool:
    """Whether a path that is read begins in a column."""
    return read.startswith(f"{column}.")


def split_notes(examples: Sequence[Example], config: TrialConfig) -> list[str]:
    """The same of columns that say where a row belongs, where rows are split here."""
    if config.data.validation_file and config.data.test_file:
        return []
    unread = _columns_in(examples) - columns_of(config)
    return [note for name in SPLITS if name in unread for note in _splits(examples, name)]


def _columns_in(examples: Sequence[Example]) -> set[str]:
    """Columns that any of the rows has, without blanks around their names: a look at each row for each name that none
    has takes longer than reading them."""
    shapes = {tuple(example.row) for example in examples}
    return {name.strip() for shape in shapes for name in shape if isinstance(name, str)}


def _weights(examples: Sequence[Example], column: str) -> Iterator[str]:
    count = sum(not _is_one(cell_of(one.row, column)) for one in examples)
    if count:
        yield f"column '{column}' is not read (rows with another value than 1 there: {count:,}): {NO_WEIGHT}"


def _is_one(value: object) -> bool:
    if value is ABSENT or is_missing(value):
        return True
    try:
        return float(str(value)) == 1
    except ValueError:
        # what a row weighs is a number
        return True


def _masks(examples: Sequence[Example], column: str) -> Iterator[str]:
    count = sum(isinstance(cell_of(one.row, column), list | tuple) for one in examples)
    if count:
        what = "the answer is learned, and with task.train_on_prompt=true the prompt too"
        yield f"column '{column}' is not read (rows with it: {count:,}): {what}"


def _verdicts(examples: Sequence[Example], column: str) -> Iterator[str]:
    said = _words(examples, column)
    refused = [word for word in said if word in REFUSED]
    if refused and set(said) <= REFUSED | KEPT:
        words = " or ".join(f"'{word}'" for word in sorted(set(refused)))
        yield (
            f"column '{column}' is not read (rows with {words} there: {len(refused):,}): all rows are used; take those "
            "out of the file if they are not to be learned from"
        )


def _liked(examples: Sequence[Example], column: str) -> Iterator[str]:
    said = _words(examples, column)
    disliked = sum(word in DISLIKED_WORDS for word in said)
    if disliked and set(said) <= DISLIKED_WORDS | LIKED_WORDS:
        yield (
            f"column '{column}' is not read (rows with false or 0 there: {disliked:,}): all answers are learned alike; "
            "take those out of the file that are not to be learned"
        )


def _rejected(examples: Sequence[Example], column: str) -> Iterator[str]:
    count = sum(not is_missing(cell) for one in examples if (cell := cell_of(one.row, column)) is not ABSENT)
    if count:
        what = "answers are learned one by one, not by preference"
        yield f"column '{column}' is not read (rows with it: {count:,}): {what}"


def _words(examples: Sequence[Example], column: str) -> list[str]:
    """What stands there, in lower case."""
    cells = (cell_of(one.row, column) for one in examples)
    return [str(cell).strip().lower() for cell in cells if cell is not ABSENT and not is_missing(cell)]


def _splits(examples: Sequence[Example], column: str) -> Iterator[str]:
    cells = (cell_of(one.row, column) for one in examples)
    values = {str(cell).strip() for cell in cells if cell is not ABSENT and not is_missing(cell)}
    if {value.lower() for value in values} <= SPLIT_NAMES and len(values) > 1:
        yield (
            f"column '{column}' ({with_commas(sorted(values)[:SHOWN])}) is not read: rows are split anew; write those "
            "of each split into a file of its own (data.validation_file, data.test_file) to keep it"
        )
