"""Rows from a person's own function."""

import reprlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from slimtune.training.config.dotted_path import imported
from slimtune.training.config.own_code import own_copy
from slimtune.training.data.readers.row import Row
from slimtune.training.errors import ConfigError, DataError, UserError


def read_with(reader: str, name: str) -> Iterator[Row]:
    """The rows that the function at the dotted path `reader` gives for `name`.

    The function takes the name and gives an iterable of mappings of column to value. It is code that runs here: name
    only one that you trust.

    Raises:
        ConfigError: There is no such function.
        DataError: It fails, or a row is not a mapping; the message names the reader.
    """
    rows = _called(_function(reader), reader=reader, name=name)
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            where = f"data.reader {reader}: row {number} of {name}"
            raise DataError(f"{where} is {reprlib.repr(row)}; give mappings of column to value")
        yield row


def _function(reader: str) -> Callable[[str], Iterable[Any]]:
    found: Callable[[str], Iterable[Any]] = imported(reader, said="data.reader is")
    if not callable(found):
        raise ConfigError([f"data.reader is '{reader}', which is no function; name one that takes the file's name"])
    return found


def _called(function: Callable[[str], Iterable[Any]], *, reader: str, name: str) -> Iterator[Any]:
    try:
        for row in function(name):
            # it may fill the same lists again for its next row
            yield own_copy(row)
    except UserError:
        raise
    except Exception as error:
        # any: the function is the code of somebody else
        reason = f"{type(error).__name__}: {error}"
        raise DataError(f"data.reader {reader}: fails on {name} ({reason}); repair the function") from error
