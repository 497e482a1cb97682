"""Examples in an Arrow file: they take no memory but while somebody looks at them, however many processes read."""

import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, overload

import pyarrow as pa

from slimtune.training.atomic_files import written_aside
from slimtune.training.data.examples import Example
from slimtune.training.data.spans import Span

BATCH_ROWS = 4096
TEXTS = ("text", "label", "pair", "group")
# what is not a text, as JSON: most examples have none of the first
OTHERS, ROW = "others", "row"
SCHEMA = pa.schema([(name, pa.large_string()) for name in (*TEXTS, OTHERS, ROW)])
# values that are the same when they come back from JSON
EXACT = frozenset({str, int, float, bool, type(None)})


class NotExactError(ValueError):
    """A row holds what would not come back as it is, such as a date or bytes."""


class StoredExamples(Sequence[Example]):
    """The examples of a file, each made when it is asked for; another process opens the file anew.

    Raises:
        OSError: There is no such file.
        pyarrow.ArrowInvalid: It is broken.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._starts = [0]
        for batch in self._batches:
            self._starts.append(self._starts[-1] + batch.num_rows)

    def __reduce__(self) -> tuple[type["StoredExamples"], tuple[Path]]:
        return StoredExamples, (self._path,)

    @cached_property
    def _batches(self) -> list[Any]:
        file = pa.ipc.open_file(pa.memory_map(str(self._path)))
        return [file.get_batch(number) for number in range(file.num_record_batches)]

    def __len__(self) -> int:
        return self._starts[-1]

    @overload
    def __getitem__(self, index: int) -> Example: ...

    @overload
    def __getitem__(self, index: slice) -> list[Example]: ...

    def __getitem__(self, index: int | slice) -> Example | list[Example]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        at = index + len(self) if index < 0 else int(index)
        if not 0 <= at < len(self):
            raise IndexError(f"example {index} of {len(self)}")
        number, inner = divmod(at, BATCH_ROWS)
        batch = self._batches[number]
        return _example(*(batch.column(place)[inner].as_py() for place in range(len(SCHEMA))))

    def __iter__(self) -> Iterator[Example]:
        for batch in self._batches:
            yield from map(_example, *(column.to_pylist() for column in batch.columns))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str | bytes):
            return NotImplemented
        return len(self) == len(other) and all(one == two for one, two in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # as a list has none


class JoinedExamples(Sequence[Example]):
    """Examples of several files, one after the other."""

    def __init__(self, parts: Sequence[Sequence[Example]]) -> None:
        self._parts = parts

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    @overload
    def __getitem__(self, index: int) -> Example: ...

    @overload
    def __getitem__(self, index: slice) -> list[Example]: ...

    def __getitem__(self, index: int | slice) -> Example | list[Example]:
        return list(self)[index]

    def __iter__(self) -> Iterator[Example]:
        return chain.from_iterable(self._parts)


def write_examples(examples: Sequence[Example], path: Path) -> None:
    """Write examples to a file, which is there whole or not at all.

    Raises:
        NotExactError: One of them would not come back as it is.
        OSError: It cannot be written.
    """
    with written_aside(path) as aside, pa.OSFile(str(aside), "wb") as sink, pa.ipc.new_file(sink, SCHEMA) as writer:
        for at in range(0, len(examples), BATCH_ROWS):
            try:
                columns = [list(column) for column in zip(*map(_cells, examples[at : at + BATCH_ROWS]), strict=True)]
                arrays = [pa.array(column, pa.large_string()) for column in columns]
            except (UnicodeEncodeError, pa.ArrowException) as error:
                raise NotExactError(str(error)) from None
            writer.write_batch(pa.record_batch(arrays, schema=SCHEMA))


def _cells(example: Example) -> tuple[str | None, ...]:
    if type(example) is not Example or any(type(getattr(example, name)) is not str for name in TEXTS):
        raise NotExactError(f"an example of a kind of its own, {type(example).__name__}")
    others = [example.labels, example.spans, example.messages]
    if not all(type(one) is tuple for one in others) or not all(type(one) is Span for one in example.spans):
        raise NotExactError("an example whose parts are of a kind of their own")
    _check_exact(example.row)
    said = json.dumps(others) if any(others) else None
    return (example.text, example.label, example.pair, example.group, said, json.dumps(example.row))


def _check_exact(value: Any) -> None:
    kind = type(value)
    if kind is dict:
        if not all(type(name) is str for name in value):
            raise NotExactError("a name of a column that is no text")
        value = value.values()
    elif kind is not list:
        if kind in EXACT:
            return
        raise NotExactError(f"a cell that holds a {kind.__name__}")
    for one in value:
        if type(one) not in EXACT:
            _check_exact(one)


def _example(*cells: Any) -> Example:
    """From the cells of a row, in the order of the schema."""
    text, label, pair, group, others, row = cells
    values = json.loads(row)
    if others is None:
        return Example(text, label, pair, group=group, row=values)
    labels, spans, messages = json.loads(others)
    return Example(
        text,
        label,
        pair,
        tuple(labels),
        tuple(Span(*one) for one in spans),
        tuple((role, content) for role, content in messages),
        group,
        values,
    )
