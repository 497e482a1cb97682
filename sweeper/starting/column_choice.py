"""Which columns a first config reads, and which others it could: what `slimtune init` says of its choice."""

import shlex
from collections.abc import Iterator, Sequence

from slimtune.sweeper.starting.guess import SCORES, Guess, likely_labels
from slimtune.sweeper.starting.other_tasks import other_tasks
from slimtune.sweeper.starting.questions import OF_PAIRS, WRITING, Settled, target_flag, target_name
from slimtune.sweeper.starting.seen_columns import Holds
from slimtune.training.data.examples import MESSAGES
from slimtune.training.data_report.unread_columns import told_unread
from slimtune.training.listed_names import counted

SHOWN_OTHERS = 5
LEFT_OUT = "a row without a text or an answer is left out"


def told_choice(settled: Settled) -> Iterator[str]:
    """A line for each choice, with what else is possible and the flag that says so."""
    task, others = settled.guess.task, other_tasks(settled.columns, settled.guess)
    yield f"task: {task} (also possible: {', '.join(others)}; --task {others[0]})" if others else f"task: {task}"
    if settled.guess.pair is not None and {task, *others} >= {"similarity", "classification"}:
        yield OF_PAIRS
    yield from _told_columns(settled)
    read = _read(settled) if settled.guess.text is not None else {MESSAGES}
    yield from _told_empty(settled)
    yield from told_unread([one.name for one in settled.columns], read)


def _told_columns(settled: Settled) -> Iterator[str]:
    found = settled.guess
    if found.text is None:
        yield f"chats: {MESSAGES}"
        return
    what = "prompt" if found.task in WRITING - {"language_modelling"} else "text"
    texts = _like(settled, found.text)
    if found.more_prompt:
        yield f"prompt: {', '.join([found.text, *found.more_prompt])} (data.text_template)"
    else:
        yield _line(what, found.text, texts, "--text-column")
    if found.pair is not None:
        yield _line("second text", found.pair, texts, "--text-pair-column")
    if found.target is not None:
        name = target_name(found.task)
        yield _line(name, found.target, _targets(settled, texts), target_flag(found.task))
    if found.alike is not None:
        yield f"pairs with the label '{found.alike}' are taken for alike (task.alike_label)"
    if found.score_range is not None:
        yield f"labels from {found.score_range[0]:g} to {found.score_range[1]:g} are read as 0 to 1 (task.score_range)"


def _told_empty(settled: Settled) -> Iterator[str]:
    """Rows that training refuses, or leaves out, since a column that it reads is empty in them."""
    found = settled.guess
    for one in settled.columns:
        # a row may have none of several labels
        if not one.empty or one.name not in _read(settled) or (one.name, found.task) == (found.target, "multi_label"):
            continue
        rows = counted(len(one.empty), "row")
        yield f"'{one.name}' is empty in {rows}: {_some(one.empty)}; {_what_then(one.name, found)}"


def _what_then(column: str, found: Guess) -> str:
    """What training does with a row where a column that it reads is empty."""
    if column == found.target:
        return LEFT_OUT if found.task in WRITING else "fill it or remove the row"
    may_be_empty = (column, found.task) == (found.pair, "classification") or found.more_prompt
    return "a row is read with nothing there" if may_be_empty else LEFT_OUT


def _some(places: Sequence[str]) -> str:
    more = ", ..." if len(places) > SHOWN_OTHERS else ""
    return f"{'; '.join(places[:SHOWN_OTHERS])}{more}"


def _line(what: str, column: str, others: Sequence[str], flag: str) -> str:
    if not others:
        return f"{what}: {column}"
    more = ", ..." if len(others) > SHOWN_OTHERS else ""
    possible = f"{', '.join(others[:SHOWN_OTHERS])}{more}"
    return f"{what}: {column} (also possible: {possible}; {flag} {shlex.quote(others[0])})"


def _targets(settled: Settled, texts: Sequence[str]) -> list[str]:
    """Columns that the label, the spans or the answer could be instead."""
    found = settled.guess
    if found.task in WRITING:
        return list(texts)
    if found.task not in ("classification", "similarity"):
        return _like(settled, found.target)
    scores = [one.name for one in settled.columns if one.name.lower() in SCORES and one.holds is Holds.number]
    likely = likely_labels(settled.columns, found.pair or found.text, scores=found.pair is not None)
    return _unread(settled, [*likely, *(scores if found.task == "similarity" else [])])


def _like(settled: Settled, name: str | None) -> list[str]:
    """Columns that hold what another one does, but for those that are read."""
    holds = next((one.holds for one in settled.columns if one.name == name), Holds.text)
    return _unread(settled, [one.name for one in settled.columns if one.holds is holds])


def _unread(settled: Settled, names: Sequence[str]) -> list[str]:
    read = _read(settled)
    return [name for name in dict.fromkeys(names) if name not in read]


def _read(settled: Settled) -> set[str]:
    found = settled.guess
    return {name for name in (found.text, found.pair, found.target, *found.more_prompt) if name is not None}
