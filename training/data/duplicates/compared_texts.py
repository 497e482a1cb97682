"""By which texts rows are compared: by what tells rows apart, and not by what all of them have.

A template, a system prompt or an instruction that stands in every row would hide that short rows are nearly the same,
and make rows of it alone nearly the same that are not.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice, takewhile
from typing import NamedTuple

from slimtune.training.config.task import GenerationTask
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.cells import text_in, value_of
from slimtune.training.data.examples import Example
from slimtune.training.data.prompt_template import FIELD, halves

TEXT, PAIR, TEMPLATE = "text", "pair", "data.text_template"
# of fewer rows, that all of them begin or end alike says nothing
LEAST_ROWS = 20


class Piece(NamedTuple):
    """A part of a row's input that has a name: a field of a template, the role of a turn, one of two texts."""

    name: str
    text: str


def prompt_fields(config: TrialConfig) -> tuple[str, ...]:
    """Columns that `data.text_template` writes into a prompt, each once; none without a template."""
    data = config.data
    # a task of the user's own may write its texts as it likes
    if data.text_template is None or not isinstance(config.task, GenerationTask):
        return ()
    return tuple(dict.fromkeys(FIELD.findall(halves(data.text_template, data.target_column).prompt)))


def compared_texts(parts: Sequence[Sequence[Example]], fields: Sequence[str] = ()) -> list[list[str]]:
    """For each row of each part the text by which it is compared with others.

    That is its input without what a template writes around its fields, the roles of its turns, the turns that all chats
    begin and end with, fields and roles whose text is the same wherever they stand, and, of 20 rows or more, the words
    with which all texts of a name begin or end, and the lines that stand in all of them.

    Args:
        parts: Rows that are compared with one another, as those of training and those held out.
        fields: The columns that a template writes into the prompt, as `prompt_fields` gives them.
    """
    every = [example for part in parts for example in part]
    if fields or any(example.messages or example.pair for example in every):
        texts = _of_pieces([_pieces(example, fields) for example in every])
    else:
        # millions of rows are of this kind
        texts = _of_single([example.text.strip() for example in every])
    return [list(islice(texts, len(part))) for part in parts]


def _of_pieces(rows: Sequence[Sequence[Piece]]) -> Iterator[str]:
    if len(rows) > 1:
        rows = _without_same_names(_without_same_ends(rows))
    return _without_shared(rows) if len(rows) >= LEAST_ROWS else map(_joined, rows)


def _of_single(texts: Sequence[str]) -> Iterator[str]:
    """The same of rows that are one text each."""
    if len(texts) > 1 and all(text == texts[0] for text in texts):
        return iter([""] * len(texts))
    return _own_parts(texts) if len(texts) >= LEAST_ROWS else iter(texts)


def _pieces(example: Example, fields: Sequence[str]) -> Sequence[Piece]:
    if example.messages:
        return [Piece(role, content.strip()) for role, content in example.messages[:-1]]
    if fields:
        return [Piece(name, _cell(example, name)) for name in fields]
    text = Piece(TEXT, example.text.strip())
    return [text, Piece(PAIR, example.pair.strip())] if example.pair else [text]


def _cell(example: Example, name: str) -> str:
    return text_in(value_of(example.row, name, "a row", TEMPLATE), column=name, where="a row", key=TEMPLATE).strip()


def _without_same_ends(rows: Sequence[Sequence[Piece]]) -> list[Sequence[Piece]]:
    """Without the pieces that all rows begin with, and those that all end with."""
    start = _num_same(rows)
    left = [row[start:] for row in rows]
    end = _num_same([row[::-1] for row in left])
    return [row[: len(row) - end] for row in left]


def _num_same(rows: Sequence[Sequence[Piece]]) -> int:
    """Of the first pieces."""
    first = rows[0]
    num_same = len(first)
    for row in rows:
        num_same = _num_equal(first[:num_same], row)
        if not num_same:
            break
    return num_same


def _num_equal(one: Iterable[object], other: Iterable[object]) -> int:
    return sum(1 for _ in takewhile(lambda two: two[0] == two[1], zip(one, other, strict=False)))


def _without_same_names(rows: Sequence[Sequence[Piece]]) -> list[Sequence[Piece]]:
    """Without the pieces whose text is the same in all rows that have them."""
    first: dict[str, str] = {}
    varied: set[str] = set()
    for name, text in chain.from_iterable(rows):
        if first.setdefault(name, text) != text:
            varied.add(name)
    return [row if len(varied) == len(first) else [one for one in row if one.name in varied] for row in rows]


def _without_shared(rows: Sequence[Sequence[Piece]]) -> Iterator[str]:
    by_name: dict[str, list[str]] = {}
    for name, text in chain.from_iterable(rows):
        by_name.setdefault(name, []).append(text)
    own = {name: _own_parts(texts) for name, texts in by_name.items()}
    return (_joined([Piece(name, next(own[name])) for name, _ in row]) for row in rows)


def _own_parts(texts: Sequence[str]) -> Iterator[str]:
    """The texts without the words with which all begin or end, and without the lines that stand in all."""
    start, end = _shared_start(texts), _shared_end(texts)
    shared = _shared_lines(texts)
    for text in texts:
        own = text[start : len(text) - end]
        yield "\n".join(line for line in own.splitlines() if line.strip() not in shared) if shared else own


def _shared_lines(texts: Sequence[str]) -> set[str]:
    shared = set(map(str.strip, texts[0].splitlines())) - {""}
    for text in texts:
        if not shared:
            break
        shared.intersection_update(map(str.strip, text.splitlines()))
    return shared


def _shared_start(texts: Sequence[str]) -> int:
    """Signs with which all begin; no word is cut."""
    shared = texts[0]
    for text in texts:
        if not text.startswith(shared):
            shared = shared[: _num_equal(shared, text)]
        if not shared:
            break
    while shared[-1:].isalnum():
        shared = shared[:-1]
    return len(shared)


def _shared_end(texts: Sequence[str]) -> int:
    shared = texts[0]
    for text in texts:
        if not text.endswith(shared):
            shared = shared[len(shared) - _num_equal(reversed(shared), reversed(text)) :]
        if not shared:
            break
    while shared[:1].isalnum():
        shared = shared[1:]
    return len(shared)


def _joined(pieces: Sequence[Piece]) -> str:
    return " ".join(one.text for one in pieces if one.text)
