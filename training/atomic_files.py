"""Files and folders that are there whole or not at all."""

import json
import math
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """A path to write to in place of `path`; it takes that name when the block ends, and is removed if it fails."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        yield aside
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def folder_aside(folder: Path) -> Iterator[Path]:
    """An empty folder to fill in place of `folder`; it takes that name, and an older one's place, when the block ends.

    One writer at a time: what a killed one left is removed. A folder is never there in part, and those above it that
    were made for it are not there either if the block fails.
    """
    aside, missing = folder.with_name(f".{folder.name}.aside"), missing_folders(folder.parent)
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        yield aside
        if folder.is_dir():
            remove_folder(folder)
        os.replace(aside, folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        remove_empty(missing)


def missing_folders(folder: Path) -> list[Path]:
    """What is to be made of a folder and those above it, the innermost first."""
    folder = folder.absolute()
    return [path for path in (folder, *folder.parents) if not path.exists()]


def remove_empty(folders: Iterable[Path]) -> None:
    """Remove folders that nothing was written to; the innermost come first."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def remove_folder(folder: Path) -> None:
    """Remove a folder: by its name it is there whole or not at all, whenever the process is killed."""
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    # somebody else may have removed it
    with suppress(FileNotFoundError):
        os.replace(folder, old)
    shutil.rmtree(old, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file; it is there whole or not at all."""
    with written_aside(path) as aside:
        aside.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """One JSON value, in a folder that is made if it is not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json_text(value, indent=1, ensure_ascii=False))


def json_text(value: Any, **options: Any) -> str:
    """JSON as its standard has it: NaN and infinite numbers, which it lacks, are null.

    Args:
        value: To write.
        options: As of `json.dumps`.
    """
    try:
        return json.dumps(value, allow_nan=False, **options)
    except ValueError:
        return json.dumps(with_finite_numbers(value), allow_nan=False, **options)


def with_finite_numbers(value: Any) -> Any:
    """The value with None for each number that is NaN or infinite, also inside of lists and objects."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {with_finite_numbers(key): with_finite_numbers(inner) for key, inner in value.items()}
    return [*map(with_finite_numbers, value)] if isinstance(value, list | tuple) else value


def json_line(row: Mapping[str, Any]) -> str:
    """A row as one line of JSON, also to whoever splits lines at Unicode's separators."""
    line = json_text(row, ensure_ascii=False, default=str)
    if not line.isascii():
        for sign in ("\x85", "\u2028", "\u2029"):
            line = line.replace(sign, f"\\u{ord(sign):04x}")
    return line


def write_jsonl(path: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    """A JSON object a line; how many there are. Values that JSON does not know, such as dates, are written as text."""
    num_rows = 0
    # half of a surrogate pair, as broken escapes give it, is escaped again
    with written_aside(path) as aside, aside.open("w", encoding="utf-8", errors="backslashreplace") as lines:
        for row in rows:
            lines.write(json_line(row) + "\n")
            num_rows += 1
    return num_rows
