"""The questions of `slimtune init`: what flags have not said is asked on a terminal, and guessed elsewhere."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from slimtune.sweeper.config_values import CONFIG_MODULE
from slimtune.sweeper.starting.guess import TASKS, Guess, alike_of, guess
from slimtune.sweeper.starting.seen_columns import Holds, SeenColumn, seen_columns
from slimtune.training.config.schema import suggestion
from slimtune.training.data.examples import MESSAGES
from slimtune.training.errors import UserError

MINILM, TINY = "minilm", "tiny_llama"
WRITING = {"generation", "summarization", "translation", "language_modelling"}
NUM_TRIALS = 16
SHOWN_EXAMPLE = 40

# a question and what is taken for an empty answer, to the answer
Ask = Callable[[str, str | None], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """What flags say; None is not said.

    Attributes:
        data: A file, folder or pattern of rows.
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
        columns: Those of the rows, as they were seen.
    """

    data: str
    guess: Guess
    model: str
    n_trials: int
    name: str
    columns: Sequence[SeenColumn]


def settled_config(given: Flags, ask: Ask | None = None) -> Settled:
    """What a first config says.

    Args:
        given: What flags say.
        ask: Asks a person; None takes what is guessed.

    Raises:
        UserError: The rows cannot be read, or nothing can be guessed that flags would have to say.
    """
    ask = ask or _guessed
    data = given.data or ask("rows: a file, folder or pattern (--data)", None)
    columns = seen_columns(data)
    found = _task(given, columns, ask)
    found = _columns(given, found, columns, ask)
    found = found._replace(alike=_alike(given, found, columns, ask))
    # a model from nothing has no chat template
    usual = (None if _has_chats(columns) else TINY) if found.task in WRITING else MINILM
    told = f"model: a folder, a name of the hub, or one that needs neither ({MINILM}, {TINY}; --model)"
    model = given.model or ask(told, usual)
    n_trials = given.n_trials or _number(ask("trials of the search (--trials)", str(NUM_TRIALS)))
    name = given.name or ask("name of the sweep (--name)", _name_of(data))
    return Settled(data=data, guess=found, model=model, n_trials=n_trials, name=name, columns=columns)


def on_terminal(question: str, usual: str | None) -> str:
    """Ask a person on the terminal until something is said."""
    shown = f"{question} [{usual}]: " if usual is not None else f"{question}: "
    while True:
        sys.stderr.write(shown)
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            raise UserError("the answers ended before the questions; give the rest as flags (slimtune init --help)")
        if said := line.strip() or usual:
            return said


def shown_columns(columns: Sequence[SeenColumn]) -> list[str]:
    """A line for each column: what it holds, and an example."""
    width = max(len(one.name) for one in columns)
    return [f"  {one.name:<{width}}  {_told(one)}" for one in columns]


def _told(column: SeenColumn) -> str:
    example = " ".join(column.example.split())
    short = example if len(example) <= SHOWN_EXAMPLE else f"{example[:SHOWN_EXAMPLE]}..."
    kind = f"{column.num_distinct} names" if column.holds is Holds.name else column.holds.value
    return f"{kind:<9}  {short}"


def _guessed(question: str, usual: str | None) -> str:
    if usual is None:
        raise UserError(f"nobody can be asked here, and this is not known: {question}")
    return usual


def _task(given: Flags, columns: Sequence[SeenColumn], ask: Ask) -> Guess:
    if given.task is not None and given.task not in TASKS:
        raise UserError(f"--task is '{given.task}'; {suggestion(given.task, TASKS)}")
    found = guess(columns, given.task)
    if given.task is not None:
        return found or Guess(given.task)
    said = ask(f"task: {', '.join(TASKS)} (--task)", None if found is None else found.task)
    if said not in TASKS:
        raise UserError(f"the task is '{said}'; {suggestion(said, TASKS)}")
    return guess(columns, said) or Guess(said)


def _columns(given: Flags, found: Guess, columns: Sequence[SeenColumn], ask: Ask) -> Guess:
    if _has_chats(columns) and found.task in WRITING:
        return found
    names = [one.name for one in columns]

    def column(said: str | None, flag: str, what: str, usual: str | None) -> str:
        name = said or ask(f"column of the {what} ({flag})", usual)
        # a path into a cell begins with its column
        if name.partition(".")[0] not in names and name not in names:
            raise UserError(f"there is no column '{name}'; {suggestion(name, names)}")
        return name

    text = column(given.text_column, "--text-column", "prompt" if found.task in WRITING else "text", found.text)
    if given.text_column is not None and given.text_column != found.text:
        found = found._replace(pair=None, more_prompt=())
    pair = given.pair_column or found.pair
    if found.task == "similarity" or pair is not None:
        pair = column(given.pair_column, "--text-pair-column", "second text", pair)
    target = None
    if found.task != "language_modelling":
        what = "answer" if found.task in WRITING else "spans" if found.task == "extraction" else "label"
        target = column(given.target_column, "--target-column", what, found.target)
    return found._replace(text=text, pair=pair, target=target)


def _alike(given: Flags, found: Guess, columns: Sequence[SeenColumn], ask: Ask) -> str | None:
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
    said = given.alike_label or ask(f"label of pairs that are alike: {' or '.join(labels)} (--alike-label)", usual)
    if labels and said not in labels:
        raise UserError(f"no pair has the label '{said}'; {suggestion(said, labels)}")
    return said


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
