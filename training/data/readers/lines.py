"""Lines of text files, plain or gzipped: UTF-8, or the encoding that a byte order mark or `data.encoding` says."""

import codecs
import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TextIO, cast

from slimtune.training.data.readers.options import ReadOptions
from slimtune.training.errors import DataError

GZIP_MARK = b"\x1f\x8b"
# the longer ones first: UTF-32's begins with UTF-16's
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
SAMPLED_BYTES = 256
# controls that are no white space
UPPER_BYTES = bytes({*range(9), *range(14, 32)})


def is_gzip(path: Path) -> bool:
    """Whether the name says so."""
    return path.suffix.lower() == ".gz"


def first_bytes(path: Path, count: int = SAMPLED_BYTES) -> bytes:
    """What a file begins with, decompressed."""
    with opened_bytes(path) as source:
        return source.read(count)


def opened_bytes(path: Path) -> IO[bytes]:
    """The file, decompressed on the way if its name or its first bytes say that it is gzipped."""
    source = path.open("rb")
    if is_gzip(path) or source.peek(2)[:2] == GZIP_MARK:
        source.close()
        return cast(IO[bytes], gzip.open(path, "rb"))
    return source


def lines_of(path: Path, options: ReadOptions, *, newline: str | None = None) -> Iterator[str]:
    """Lines with their ends, read as a stream; a byte order mark is dropped.

    Args:
        path: Of a text file, plain or gzipped.
        options: With the encoding.
        newline: As in `open`.

    Raises:
        DataError: A byte does not fit the encoding; the message names file, line and byte.
    """
    encoding = _encoding_of(path, options)
    with _opened(path, encoding, newline) as lines:
        number = 0
        try:
            for number, line in enumerate(lines, start=1):
                if not line.isascii():
                    _check_decoded(line, encoding, options, where=f"{path}, line {number}")
                    _tell_of_utf8(line, encoding, path, options)
                yield line
        except UnicodeError as error:
            # codecs of several bytes a character do not let each byte through, and UTF-16 may ask for a mark
            reason = error.reason if isinstance(error, UnicodeDecodeError) else error
            repair = options.repair(f"{encoding}-le" if "BOM" in str(reason) else "cp1252")
            raise DataError(f"{path}, after line {number}: not {encoding} ({reason}); {repair}") from None


def _encoding_of(path: Path, options: ReadOptions) -> str:
    head = first_bytes(path)
    marked = next((encoding for mark, encoding in MARKS if head.startswith(mark)), None)
    if marked not in (None, "utf-8-sig"):
        options.told.add(f"read as {str(marked).upper()}, as its byte order mark says", path)
    if marked is None and not _is_wide(options.encoding):
        _check_no_wide_characters(path, head, options)
    return marked or options.encoding or "utf-8-sig"


def _check_no_wide_characters(path: Path, head: bytes, options: ReadOptions) -> None:
    """UTF-16 without a mark is valid UTF-8 where its letters are ASCII, and valid in encodings of a byte a letter."""
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        # the upper bytes of letters of Europe and the Near East
        if len(head) > 3 and len(head[first::2].translate(None, UPPER_BYTES)) < 0.2 * len(head) / 2:
            said = f", and data.encoding is {options.encoding}" if options.encoding else ""
            repair = options.repair(encoding)
            raise DataError(f"{path}: this looks like UTF-16 without a byte order mark{said}; {repair}")


def _is_wide(encoding: str | None) -> bool:
    return encoding is not None and encoding.lower().replace("_", "-").startswith(
        ("utf-16", "utf16", "utf-32", "utf32")
    )


def _opened(path: Path, encoding: str, newline: str | None) -> TextIO:
    # undecodable bytes are let through as surrogates: the decoder works on blocks and could not name the line
    return io.TextIOWrapper(opened_bytes(path), encoding=encoding, errors="surrogateescape", newline=newline)


def _check_decoded(line: str, encoding: str, options: ReadOptions, *, where: str) -> None:
    try:
        line.encode()
    except UnicodeEncodeError as error:
        # PEP 383: byte b stands as the surrogate 0xDC00 + b
        byte, at = ord(line[error.start]) - 0xDC00, error.start + 1
        said = f"UTF-8; {options.repair('cp1252')}" if encoding == "utf-8-sig" else f"{encoding}; check data.encoding"
        raise DataError(f"{where}: byte 0x{byte:02x} at column {at} is not {said}") from None


def _tell_of_utf8(line: str, encoding: str, path: Path, options: ReadOptions) -> None:
    """Letters outside of ASCII that are well-formed UTF-8 were hardly written in another encoding."""
    if encoding.startswith("utf"):
        return
    try:
        line.encode(encoding).decode()
    except UnicodeError:
        return
    options.told.add(f"read as {encoding}, as data.encoding says, though lines of it are well-formed UTF-8", path)
