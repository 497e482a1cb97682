"""Lines of UTF-8 text files, plain or gzipped."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from slimtune.training.errors import DataError


def is_gzip(path: Path) -> bool:
    """Whether the name says so; the content is not looked at."""
    return path.suffix.lower() == ".gz"


def lines_of(path: Path, *, newline: str | None = None) -> Iterator[str]:
    """Lines with their ends, read as a stream; a byte order mark is dropped.

    Args:
        path: Decompressed on the way if its name ends in .gz.
        newline: As in `open`.

    Raises:
        DataError: A byte is not UTF-8; the message names file, line and byte.
    """
    with _opened(path, newline) as lines:
        for number, line in enumerate(lines, start=1):
            _check_utf8(line, where=f"{path}, line {number}")
            yield line


def _opened(path: Path, newline: str | None) -> TextIO:
    # undecodable bytes are let through as surrogates: the decoder works on blocks and could not name the line
    if is_gzip(path):
        return gzip.open(path, "rt", encoding="utf-8-sig", errors="surrogateescape", newline=newline)
    return path.open(encoding="utf-8-sig", errors="surrogateescape", newline=newline)


def _check_utf8(line: str, *, where: str) -> None:
    try:
        line.encode()
    except UnicodeEncodeError as error:
        # PEP 383: byte b stands as the surrogate 0xDC00 + b
        byte = ord(line[error.start]) - 0xDC00
        column = error.start + 1
        raise DataError(f"{where}: byte 0x{byte:02x} at column {column} is not UTF-8; save the file as UTF-8") from None
