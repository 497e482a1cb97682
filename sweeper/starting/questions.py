"""The questions of `slimtune init`: what flags have not said is asked on a terminal, and guessed elsewhere."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple, TypeVar

from slimtune.sweeper.config_values import CONFIG_MODULE
from slimtune.sweeper.starting.asking import Ask, Gathering, as_guessed
from slimtune.sweeper.starting.guess import LABELS, TASKS, Guess, alike_of, guess, guess_by_target, spare_column
from slimtune.sweeper.starting.known_task import columns_for
from slimtune.sweeper.starting.score_columns import range_beyond_shares
from slimtune.sweeper.starting.seen_columns import Holds, SeenColumn, seen_columns
from slimtune.sweeper.starting.text_columns import with_texts
from slimtune.training.config.schema import suggestion
from slimtune.training.data.examples import MESSAGES
from slimtune.training.errors import UserError
from slimtune.training.listed_names import counted

MINILM, TINY, TINY_T5 = "minilm", "tiny_llama", "tiny_t5"
WRITING = {"generation", "summarization", "translation", "language_modelling"}
# those that take data.text_template
TEMPLATED = WRITING - {"language_modelling"}
NUM_TRIALS = 16
SHOWN_EXAMPLE = 40
OF_PAIRS = "pairs: similarity is how alike two texts are, classification a class of the pair"
# answers that name no column
NO_COLUMN = ("-", "none")

Answer = TypeVar("Answer")


class SeenRows(NamedTuple):
    """Rows that can be read.

    Attributes:
        data: A file, folder or pattern of them.
        columns: Those of the first ones.
    """

    data: str
    columns: Sequence[SeenColumn]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """What flags say; None is not said.

    Attributes:
        data: A file, folder or pattern of rows.
        encoding: Of text files.
        task: An option of the config group `task`.
        text_column: The text's, or the prompt's.
        pair_column: The second text's.
        target_column: The label's, the spans' or the answer's.
        alike_label: Of two labels of pairs, the one of pairs that are alike.
        model: An option of the config group `model`, a folder, or a name of the hub.
        n_trials: How many.
        name: Of the sweep.
    """

    data: str | None = None
    encoding: str | None = None
    task: str | None = None
    text_column: str | None = None
    pair_column: str | None = None
    target_column: str | None = None
    alike_label: str | None = None
    model: str | None = None
    n_trials: int | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What is written.

    Attributes:
        encoding: Of text files, where it is not UTF-8.
        columns: Those of the rows, as they were seen.
    """

    data: str
    encoding: str | None
    guess: Guess
    model: str
    n_trials: int
    name: str
    columns: Sequence[SeenColumn]


def seen_rows(given: Flags, ask: Ask = as_guessed) -> SeenRows:
    """The rows that a first config is for.

    Raises:
        UserError: They cannot be read, or nothing says which they are.
    """
    question = "rows: a file, folder or pattern (--data)"

    def seen(data: str) -> SeenRows:
        return SeenRows(data, with_texts(seen_columns(data, given.encoding), LABELS))

    return _said(given.data, ask, question, None, seen)


def settled_config(
    given: Flags, rows: SeenRows, ask: Ask = as_guessed, *, named: Callable[[str], str] = str
) -> Settled:
    """What a first config says.

    Args:
        given: What flags say.
        rows: What it is for.
        ask: Asks a person, or takes what is guessed.
        named: The name as it is, or a `UserError` where it cannot be taken.

    Raises:
        UserError: A flag does not fit the rows, or nothing can be guessed that flags would have to say.
    """
    data, columns = rows
    found = _task(given, columns, ask)
    gathering = Gathering(ask)
    found = _columns(given, found, columns, gathering)
    found = found._replace(alike=_alike(given, found, columns, gathering))
    found = found._replace(score_range=_score_range(found, columns))
    has_chats = found.task in WRITING and _has_chats(columns)
    usual = (None if has_chats else TINY) if found.task in WRITING else MINILM
    without = TINY_T5 if has_chats else f"{MINILM}, {TINY}"
    told = f"model: a folder, a name of the hub, or one that needs neither ({without}; --model)"
    model = gathering.said(given.model, told, usual, _writes_chats if has_chats else str, model_options())
    gathering.check([one.name for one in columns])
    n_trials = given.n_trials or ask("trials of the search (--trials)", str(NUM_TRIALS), _number, ())
    name = _said(given.name, ask, "name of the sweep (--name)", _name_of(data), named)
    return Settled(
        data=data,
        encoding=given.encoding,
        guess=found,
        model=model,
        n_trials=n_trials,
        name=name,
        columns=columns,
    )


def _writes_chats(model: str) -> str:
    """A model that chats can be written for: one from nothing has no chat template.

    Raises:
        UserError: It is such a one, and an encoder-decoder needs none.
    """
    if model == TINY:
        raise UserError(
            f"the rows are chats, and {TINY} has no chat template; name a model that has one, or {TINY_T5}, which "
            "reads a chat as lines"
        )
    return model


def target_name(task: str) -> str:
    """What is learned, in a word."""
    return "answer" if task in WRITING else "spans" if task == "extraction" else "label"


def target_flag(task: str) -> str:
    """The flag of the label, the spans or the answer, as the config's key is called."""
    return "--target-column" if task in WRITING else "--label-column"


def _said(given: str | None, ask: Ask, question: str, usual: str | None, read: Callable[[str], Answer]) -> Answer:
    """What a flag says, else the answer; a flag without a word says nothing."""
    return read(given) if given else ask(question, usual, read, ())


def shown_columns(columns: Sequence[SeenColumn]) -> list[str]:
    """A line for each column: what it holds, an example, and in how many rows it is empty."""
    width = max(len(one.name) for one in columns)
    return [f"  {one.name:<{width}}  {_told(one)}" for one in columns]


def _told(column: SeenColumn) -> str:
    example = " ".join(column.example.split())
    short = example if len(example) <= SHOWN_EXAMPLE else f"{example[:SHOWN_EXAMPLE]}..."
    usual = f"{column.num_distinct} names" if column.holds is Holds.name else column.holds.value
    kind = column.kind or usual
    num_empty = len(column.empty)
    empty = f"  (empty in {num_empty} of {counted(column.num_cells + num_empty, 'row')})" if num_empty else ""
    return f"{kind:<9}  {short}{empty}"


def _task(given: Flags, columns: Sequence[SeenColumn], ask: Ask) -> Guess:
    if given.task is not None and given.task not in TASKS:
        raise UserError(f"--task is '{given.task}'; {suggestion(given.task, TASKS)}")
    if given.task is not None:
        return columns_for(columns, given.task)
    found = guess(columns)
    question = f"task: {', '.join(TASKS)} (--task)"
    if found is not None and found.pair is not None:
        question = f"{OF_PAIRS}\n{question}"
    said = ask(question, _likely_task(given, found, columns), _known_task, TASKS)
    return columns_for(columns, said)


def _likely_task(given: Flags, found: Guess | None, columns: Sequence[SeenColumn]) -> str | None:
    """What the rows alone suggest, unless a column that is named as the label's is not the one of that."""
    is_other = given.target_column is not None and (found is None or found.target != given.target_column)
    named = guess_by_target(columns, str(given.target_column)) if is_other else None
    if named == "classification" and found is not None and found.pair is not None:
        # a class or a likeness of two texts: these say which
        named = found.task
    return named or (None if found is None else found.task)


def _known_task(said: str) -> str:
    if said not in TASKS:
        raise UserError(f"the task is '{said}'; {suggestion(said, TASKS)}")
    return said


def _columns(given: Flags, found: Guess, columns: Sequence[SeenColumn], gathering: Gathering) -> Guess:
    if _has_chats(columns) and found.task in WRITING:
        return found
    names = [one.name for one in columns]
    read: list[str] = []

    def known(name: str) -> str:
        # a path into a cell begins with its column
        if name.partition(".")[0] not in names and name not in names:
            raise UserError(f"there is no column '{name}'; {suggestion(name, names)}")
        if name in read:
            raise UserError(f"column '{name}' is read as another part of the row already; name another one")
        return name

    def known_or_none(name: str) -> str | None:
        return None if name in NO_COLUMN and name not in names else known(name)

    def column(said: str | None, flag: str, what: str, usual: str | None) -> str:
        left = [name for name in names if name not in read]
        return gathering.said(said, f"column of the {what} ({flag})", usual, known, left)

    found = _left_by(given, found, columns)
    text = column(given.text_column, "--text-column", "prompt" if found.task in WRITING else "text", found.text)
    read.append(text)
    pair = found.pair
    if text != found.text:
        # somebody has chosen: what stood beside the guessed one stays where two texts are needed alone
        found = found._replace(more_prompt=())
        pair = _other(found, text) if found.task == "similarity" else None
    if found.task == "similarity":
        pair = column(given.pair_column, "--text-pair-column", "second text", pair)
    elif given.pair_column is not None or found.pair is not None:
        told = "column of the second text, - for none (--text-pair-column)"
        pair = _said(given.pair_column, gathering.ask, told, pair or NO_COLUMN[0], known_or_none)
    read += [pair] if pair is not None else []
    target = None
    if found.task != "language_modelling":
        usual = _target_beside(read, found, columns)
        target = column(given.target_column, target_flag(found.task), target_name(found.task), usual)
    return found._replace(text=text, pair=pair, target=target)


def _target_beside(read: Sequence[str], found: Guess, columns: Sequence[SeenColumn]) -> str | None:
    """The guessed one, or of the columns that are left, where it is read as something else."""
    if found.target not in read:
        return found.target
    if found.task in WRITING:
        return spare_column(columns, read)
    return columns_for([one for one in columns if one.name not in read], found.task).target


def _left_by(given: Flags, found: Guess, columns: Sequence[SeenColumn]) -> Guess:
    """What is guessed, with another text than one that a flag names for another part of the row."""
    taken = (given.pair_column, given.target_column)
    if found.text is None or found.text not in taken or given.text_column is not None:
        return found
    return found._replace(text=spare_column(columns, taken), more_prompt=())


def _other(found: Guess, text: str) -> str | None:
    """Of the two texts that were guessed, one that a given one leaves."""
    return next((name for name in (found.pair, found.text) if name is not None and name != text), None)


def _alike(given: Flags, found: Guess, columns: Sequence[SeenColumn], gathering: Gathering) -> str | None:
    """Numbers say by themselves how alike texts are, but for 1 beside 0 or -1, which may be turned."""
    if found.task != "similarity":
        if given.alike_label is not None:
            raise UserError(
                f"--alike-label is given, and the task is {found.task}; use --task similarity, or leave it out"
            )
        return None
    column = next((one for one in columns if one.name == found.target), None)
    labels = () if column is None else column.two_labels
    usual = alike_of(labels)
    if given.alike_label is None and (
        not labels or (column is not None and column.holds is Holds.number and not usual)
    ):
        return None

    def known(said: str) -> str:
        if labels and said not in labels:
            raise UserError(f"no pair has the label '{said}'; {suggestion(said, labels)}")
        return said

    question = f"label of pairs that are alike: {' or '.join(labels)} (--alike-label)"
    return gathering.said(given.alike_label, question, usual, known, labels)


def _score_range(found: Guess, columns: Sequence[SeenColumn]) -> tuple[float, float] | None:
    """Which numbers stand for not alike and for alike, where the task's losses take others."""
    column = next((one for one in columns if one.name == found.target), None)
    if column is None or found.task != "similarity" or found.alike is not None:
        return None
    return range_beyond_shares(column)


def _has_chats(columns: Sequence[SeenColumn]) -> bool:
    return any(one.holds is Holds.chat and one.name == MESSAGES for one in columns)


def _number(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise UserError(f"the number of trials is '{text}'; use a whole number above 0")
    return int(text)


def _name_of(data: str) -> str:
    """What a sweep over the rows may be called."""
    stem = Path(data.rstrip("/")).name.partition(".")[0]
    plain = "".join(sign if sign.isalnum() or sign in "-_" else "_" for sign in stem).strip("_")
    return plain or "mine"


def model_options() -> list[str]:
    """Options of the config group `model`."""
    return sorted(
        one.name.removesuffix(".yaml") for one in files(CONFIG_MODULE).joinpath("model").iterdir() if one.is_file()
    )
