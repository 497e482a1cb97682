"""Text of the running Python's standard library: real English and real code that lies on every machine.

The files are only read, never imported or run. Which files there are, and what stands in them, differs a little from
one Python version to the next: compare scores only between runs of the same version.
"""

import ast
import os
import re
import sysconfig
import tokenize
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from slimtune.training.data.readers.row import Row
from slimtune.training.errors import DataError

SKIPPED_FOLDERS = frozenset({"test", "tests", "idle_test", "site-packages", "dist-packages", "__pycache__"})
# written by the build of this very Python: paths and compiler flags of one machine
SKIPPED_PREFIX = "_sysconfigdata"
MIN_DOCSTRING_CHARACTERS = 40
MIN_SUMMARY_WORDS, MAX_SUMMARY_WORDS = 3, 25
MIN_BODY_WORDS = 15
BLANK_LINES = re.compile(r"\n(?:[ \t]*\n)+")

Named = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
Documented = ast.Module | Named
Defining = ast.stmt | ast.ExceptHandler | ast.match_case  # an expression defines nothing with a docstring


class Docstring(NamedTuple):
    """A cleaned docstring.

    Attributes:
        file: Path below the standard library, with forward slashes.
        name: Qualified name, e.g. ``json.decoder.JSONDecoder.decode``.
        text: Without the indentation of the code around it.
    """

    file: str
    name: str
    text: str


def read_python(name: str) -> Iterator[Row]:
    """The rows behind `python:sources`, `python:docstrings` or `python:summaries`.

    Raises:
        DataError: The name is unknown, or this Python carries no .py files of its standard library.
    """
    reader = PYTHON_TEXTS.get(name)
    if reader is None:
        raise DataError(f"{name}: no such text of the standard library; use {', '.join(sorted(PYTHON_TEXTS))}")
    if next(_paths(), None) is None:
        raise DataError(f"{name}: no .py files in {_root()}; install a Python that carries its standard library")
    return reader()


def sources() -> Iterator[Row]:
    """Whole source files as `{"text", "file"}`, sorted by path; no text comes twice, empty files are left out."""
    seen: set[str] = set()
    for path in _paths():
        text = _text(path)
        if text is not None and text.strip() and text not in seen:
            seen.add(text)
            yield {"text": text, "file": _relative(path)}


def docstrings() -> Iterator[Row]:
    """Docstrings of at least 40 characters as `{"text", "file", "name"}`, in the order of the files; no text twice."""
    seen: set[str] = set()
    for docstring in _docstrings():
        if len(docstring.text) >= MIN_DOCSTRING_CHARACTERS and docstring.text not in seen:
            seen.add(docstring.text)
            yield {"text": docstring.text, "file": docstring.file, "name": docstring.name}


def summaries() -> Iterator[Row]:
    """Docstrings as `{"text", "target", "name", "module"}`: what follows the first paragraph, and that paragraph as one
    line; `module` is the outermost package or module, e.g. `json`.

    A target has 3 to 25 words, a text at least 15; no text comes twice.
    """
    seen: set[str] = set()
    for docstring in _docstrings():
        head, *rest = BLANK_LINES.split(docstring.text, maxsplit=1)
        target, text = " ".join(head.split()), "".join(rest)
        fits = MIN_SUMMARY_WORDS <= len(target.split()) <= MAX_SUMMARY_WORDS and len(text.split()) >= MIN_BODY_WORDS
        if fits and text not in seen:
            seen.add(text)
            module = docstring.name.partition(".")[0]
            yield {"text": text, "target": target, "name": docstring.name, "module": module}


PYTHON_TEXTS: dict[str, Callable[[], Iterator[Row]]] = {
    "python:sources": sources,
    "python:docstrings": docstrings,
    "python:summaries": summaries,
}


def _root() -> Path:
    return Path(sysconfig.get_path("stdlib"))


def _relative(path: Path) -> str:
    return path.relative_to(_root()).as_posix()


def _paths() -> Iterator[Path]:
    """The .py files, sorted within each folder, a folder's files before its folders."""
    for folder, folders, files in os.walk(_root()):
        folders[:] = sorted(set(folders) - SKIPPED_FOLDERS)
        for file in sorted(files):
            if file.endswith(".py") and not file.startswith(SKIPPED_PREFIX):
                yield Path(folder, file)


def _text(path: Path) -> str | None:
    """The file in its declared encoding; None if it cannot be read."""
    try:
        with tokenize.open(path) as file:
            return file.read()
    except (OSError, SyntaxError, UnicodeDecodeError):
        return None


def _docstrings() -> Iterator[Docstring]:
    for path in _paths():
        tree = _tree(_text(path) or "")
        if tree is not None:
            module = ".".join(path.relative_to(_root()).with_suffix("").parts).removesuffix(".__init__")
            yield from _below(tree, file=_relative(path), name=module)


def _tree(text: str) -> ast.Module | None:
    """The syntax tree; None if the file is not valid in this version (templates and old code lie there too)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of invalid escapes in old files
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError):
            return None


def _below(node: ast.AST, *, file: str, name: str) -> Iterator[Docstring]:
    """The docstring of a node, then those of all that is defined in it, in the order of the source."""
    if isinstance(node, Documented):
        text = ast.get_docstring(node)
        if text:
            yield Docstring(file, name, text)
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Defining):
            inner = f"{name}.{child.name}" if isinstance(child, Named) else name
            yield from _below(child, file=file, name=inner)
