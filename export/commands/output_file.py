"""The file that a command writes rows to: JSON Lines or a table, and nothing that the command reads."""

import glob
import os
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from slimtune.export.commands.written_rows import is_table
from slimtune.training.data.readers.reader import is_local
from slimtune.training.errors import DataError
from slimtune.training.package_path import package_file
from slimtune.training.sqlite_file import ENDINGS
from slimtune.training.usual_places import home_path

# no file of a model ends so
ROWS_ALONE = (".jsonl", ".ndjson")
JSON_LINES = (*ROWS_ALONE, ".json")
# endings which would say that something else is written
TABLES = (".parquet", ".arrow", ".feather", ".orc", ".avro", ".xlsx", ".xls", ".ods", *ENDINGS)
TEXTS = (".xml", ".html", ".md", ".yaml", ".yml", ".toml", ".py")
PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip", ".7z", ".tar", ".tgz")
NUMBERS = (".npy", ".npz", ".pkl", ".pickle", ".onnx", ".safetensors", ".bin", ".pt")
OTHER_FORMATS = frozenset((*TABLES, *TEXTS, *PACKED, *NUMBERS))
# what is put in their place would no longer be the system's own
DEVICES = ("/dev", "/dev/fd", "/proc/self/fd")


class Given(NamedTuple):
    """What an option names.

    Attributes:
        option: Its name.
        value: A file, a folder, a pattern, a model.
    """

    option: str
    value: str


def check_output(path: Path, key: str, *, rows: Given, model: str) -> None:
    """Look at a place for answers before anything is done.

    Args:
        path: What will be written, in place of an older file.
        key: The option that names it.
        rows: What is read.
        model: What `--model` names; rows may be written into its folder, beside its own files.

    Raises:
        DataError: It has the ending of another format, there is no folder for it, it is no file, or it is one of those
            that are read, also by a link, lies in a folder that is read, or fits such a pattern.
    """
    if path.suffix.lower() in OTHER_FORMATS:
        raise DataError(f"{key} {path}: JSON Lines, .csv and .tsv are written; name it {_as_json_lines(path)}")
    if path.is_dir():
        raise DataError(f"{key} {path} is a folder; name a file in it")
    if not path.parent.is_dir():
        raise DataError(f"{key} {path}: there is no folder {path.parent}; make it first")
    if str(path) == "-" or _is_device(path):
        raise DataError(f"{key} {path} is no file that can be written anew; name one, e.g. answers.jsonl")
    _check_unread(path, key, rows)
    if path.suffix.lower() not in ROWS_ALONE:
        _check_unread(path, key, Given("--model", model))


def _as_json_lines(path: Path) -> str:
    name = path
    while name.suffix.lower() in OTHER_FORMATS.union(JSON_LINES) or is_table(name):
        name = name.with_suffix("")
    return f"{name.name}.jsonl"


def _is_device(path: Path) -> bool:
    return (path.exists() and not path.is_file()) or str(path.absolute().parent) in DEVICES


def _check_unread(path: Path, key: str, given: Given) -> None:
    option, name = given
    place = _place(name)
    if place is None:
        return
    if not place.exists():
        if glob.has_magic(name) and _is_matched(path, place):
            raise DataError(f"{key} {path} is one of {option} {name}, which is read; name a file elsewhere")
    elif place.is_dir():
        if _is_inside(path, place):
            raise DataError(f"{key} {path} is in {option} {name}, which is read; name a file elsewhere")
    elif path.exists() and path.samefile(place):
        raise DataError(f"{key} {path} is {option} {name}, whose rows would be lost; name another file")


def _place(name: str) -> Path | None:
    """Where something that is read lies; None if it is in no file of this machine."""
    try:
        return home_path(package_file(name)) if is_local(name) else None
    except FileNotFoundError:
        # which is told by whoever reads it
        return None


def _is_inside(path: Path, folder: Path) -> bool:
    """Whether the file, or what it is a link to, is one of the folder's, or one of the folder's is a link to it."""
    here = folder.resolve()
    if any(one.is_relative_to(here) for one in _places(path)):
        return True
    return path.exists() and any(
        _is_same(Path(parent, file), path) for parent, _, files in os.walk(here) for file in files
    )


def _is_matched(path: Path, pattern: Path) -> bool:
    """Whether the file fits the pattern, there or not, or one that does is a link to it."""
    wanted = pattern.absolute().parts
    if any(_fits(one.parts, wanted) for one in (path.absolute(), *_places(path))):
        return True
    return path.exists() and any(_is_same(Path(one), path) for one in glob.iglob(str(pattern), recursive=True))


def _places(path: Path) -> tuple[Path, Path]:
    """Where its name is, and what it is a link to."""
    return path.parent.resolve() / path.name, path.resolve()


def _fits(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return _fits(parts, pattern[1:]) or (bool(parts) and _fits(parts[1:], pattern))
    fits = bool(parts) and (parts[0] == pattern[0] or fnmatchcase(parts[0], pattern[0]))
    return fits and _fits(parts[1:], pattern[1:])


def _is_same(first: Path, second: Path) -> bool:
    return first.exists() and first.samefile(second)
