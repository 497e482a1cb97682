"""Rows from a person's own function."""

import importlib
import reprlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from training.errors import DataError, UserError
from training.readers.row import Row


def read_with(reader: str, name: str) -> Iterator[Row]:
    """The rows that the function at the dotted path `reader` gives for `name`.

    The function takes the name and gives an iterable of mappings of column to value. It is code that runs here: name
    only one that you trust.

    Raises:
        DataError: There is no such function, it fails, or a row is not a mapping; the message names the reader.
    """
    rows = _called(_imported(reader), reader=reader, name=name)
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, Mapping):
            where = f"data.reader {reader}: row {number} of {name}"
            raise DataError(f"{where} is {reprlib.repr(row)}; give mappings of column to value")
        yield dict(row)


def _imported(reader: str) -> Callable[[str], Iterable[Any]]:
    module, _, function = reader.rpartition(".")
    if not module or not all(part.isidentifier() for part in reader.split(".")):
        raise DataError(f"data.reader is {reader!r}; use the dotted path of a function, e.g. my_package.my_module.rows")
    try:
        found = getattr(importlib.import_module(module), function, None)
    except Exception as error:
        # any: importing runs foreign code
        reason = f"{type(error).__name__}: {error}"
        raise DataError(f"data.reader {reader}: not imported ({reason}); install it or set PYTHONPATH") from error
    if not callable(found):
        raise DataError(f"data.reader {reader}: '{module}' has no function '{function}'; check the spelling")
    return found  # type: ignore[no-any-return]


def _called(function: Callable[[str], Iterable[Any]], *, reader: str, name: str) -> Iterator[Any]:
    try:
        yield from function(name)
    except UserError:
        raise
    except Exception as error:
        # any: the function is foreign code
        reason = f"{type(error).__name__}: {error}"
        raise DataError(f"data.reader {reader}: fails on {name} ({reason}); repair the function") from error
