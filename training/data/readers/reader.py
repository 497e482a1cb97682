"""Rows from files, folders and the hub.

A name is one of

- a file: `.jsonl`, `.ndjson`, `.json` (JSON Lines, or an array of objects), `.csv`, `.tsv`, `.parquet`, `.arrow`; a
  `.txt` or `.md` file is one document and so one row, `{"text": <the whole file>, "file": <its path>}`, unless the
  lines of a `.txt` file are JSON objects; each of them also with `.gz`
- a folder: all such files below it, sorted by path, but for READMEs, licences and the like; or one that `datasets`
  wrote with `save_to_disk`
- a pattern, e.g. `data/*.jsonl` or `data/**/part-*.csv.gz`
- `package:<module>/<path>`: a file or folder that an installed package carries
- `python:sources`, `python:docstrings`, `python:summaries`: text of the running Python's standard library
- `hub:<owner>/<name>[:<config>]@<split>`: a split on the Hugging Face hub, e.g. `hub:org/tones@train[:4096]`

or a list of names, whose rows follow one another. Nothing is unpickled, and no code that comes with data is run.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from slimtune.training.data.readers.custom import read_with
from slimtune.training.data.readers.files import check_there, files_of, shown_names
from slimtune.training.data.readers.formats import rows_of_file
from slimtune.training.data.readers.hub import HUB_SCHEME as HUB
from slimtune.training.data.readers.hub import check_hub_name, rows_of_hub
from slimtune.training.data.readers.options import ReadOptions, Told
from slimtune.training.data.readers.python_text import read_python
from slimtune.training.data.readers.row import LocatedRow, Row, RowOfLine, numbered
from slimtune.training.errors import DataError

PYTHON = "python:"

__all__ = [
    "LocatedRow",
    "ReadOptions",
    "Row",
    "Told",
    "check_sources",
    "count_rows",
    "iter_rows",
    "located_rows",
    "located_with",
    "read_rows",
    "read_with",
]


def read_rows(name: str | Sequence[str]) -> list[Row]:
    """All rows of a name, or of several.

    Raises:
        DataError: A source is missing, unreadable, of an unknown kind, or all are empty; the message names file and
            line.
    """
    rows = list(iter_rows(name))
    if not rows:
        raise DataError(f"{_shown(name)}: no rows; give a file with at least one row a class")
    return rows


def iter_rows(name: str | Sequence[str], options: ReadOptions | None = None) -> Iterator[Row]:
    """The rows one by one; only arrays of JSON, and documents one at a time, are whole in memory.

    All files are looked up before the first row. What a person should know of the reading goes to `options.told`, and
    to the log where nobody gave options.

    Raises:
        DataError: As `read_rows`, when the row at fault is reached.
    """
    return (asked.row for asked in located_rows(name, options))


def located_rows(name: str | Sequence[str], options: ReadOptions | None = None) -> Iterator[LocatedRow]:
    """As `iter_rows`, each row with the file that it stands in, its number there, and its line."""
    given = options or ReadOptions(Told(), named_by=None)
    parts = [part for each in _listed(name) for part in _parts(each, given)]
    for part in parts:
        yield from part.located()
    if options is None:
        given.told.log()


def located_with(reader: str, name: str | Sequence[str]) -> Iterator[LocatedRow]:
    """As `read_with`, each row with the name that the reader was given and its number there.

    Raises:
        ConfigError: As `read_with`.
        DataError: As `read_with`.
    """
    for each in [name] if isinstance(name, str) else name:
        yield from _Part(each, read_with(reader, each)).located()


def check_sources(name: str | Sequence[str]) -> None:
    """Look for the files and folders of a name, without reading them; of a hub, whether it is in reach.

    Raises:
        DataError: One is missing.
    """
    for each in _listed(name):
        if each.startswith(HUB):
            check_hub_name(each)
        elif is_local(each):
            check_there(each)


def is_local(name: str) -> bool:
    """Whether a name is of files: neither of a hub nor of Python's own text."""
    return not name.startswith((HUB, PYTHON))


def needs_no_hub(name: str | Sequence[str]) -> bool:
    """Whether nothing of a name is to be fetched from a hub."""
    return not any(each.startswith(HUB) for each in _listed(name))


def count_rows(name: str | Sequence[str]) -> int:
    """How many rows `iter_rows` gives, in one pass that keeps none; may be 0.

    Raises:
        DataError: As `read_rows`, but for sources that are empty.
    """
    return sum(1 for _ in iter_rows(name))


def _listed(name: str | Sequence[str]) -> list[str]:
    names = [name] if isinstance(name, str) else list(name)
    # Path("") is the folder we stand in
    if not names or not all(names):
        raise DataError(f"the file is {name!r}; name at least one, and none by an empty text")
    return names


class _Part(NamedTuple):
    """Rows that are numbered together, and what their source is called."""

    place: str
    rows: Iterator[Row] | Iterator[Row | RowOfLine]

    def located(self) -> Iterator[LocatedRow]:
        for number, found in enumerate(self.rows, start=1):
            row, line = found if isinstance(found, RowOfLine) else (found, None)
            yield LocatedRow(row, f"{self.place}, {numbered(number, line)}")


def _parts(name: str, options: ReadOptions) -> list[_Part]:
    if name.startswith(HUB):
        return [_Part(name, rows_of_hub(name))]
    if name.startswith(PYTHON):
        return [_Part(name, read_python(name))]
    files = files_of(name)
    shown = shown_names(name, files)
    return [_Part(place, rows_of_file(path, options)) for place, path in zip(shown, files, strict=True)]


def _shown(name: str | Sequence[str]) -> str:
    return name if isinstance(name, str) else ", ".join(name)
