"""What is wrong with a file that cannot be read, in plain words, whoever wrote the file and whatever reads it."""

import errno
import json
from pathlib import Path
from typing import Any

MOST_SIGNS = 200
# what reading a file of plain values raises, and a value in it that is of another kind
BROKEN = (OSError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
# of safetensors, whose words are those of its own format
_CUT_OFF = ("header too small", "not fully covered", "incomplete", "invalid offset")

# of a disk; Windows lacks two of them
FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
FAILING = (errno.EIO, getattr(errno, "ESTALE", errno.EIO))
IN_THE_MIDDLE = {*FULL, *FAILING}
# what the system says of a path, whatever is done there, and what helps
REFUSALS = {
    **dict.fromkeys(
        (errno.EACCES, errno.EPERM), "this user may not use it; check its rights and those of the folders around it"
    ),
    errno.EROFS: "it is on a file system that cannot be written to; name another place",
    **dict.fromkeys(FULL, "no space is left there; free some, then try again"),
    **dict.fromkeys(FAILING, "its disk or network file system fails; check that"),
    errno.ENAMETOOLONG: "the name is too long; use a shorter one",
    errno.ELOOP: "its links lead back to themselves; name the file itself",
}


def refused_place(error: OSError) -> str | None:
    """What is wrong with a path that the system does not let be used, and what helps; None of other errors."""
    told = REFUSALS.get(error.errno or 0)
    # what fails in the middle of a file has no name; without one, rights may be those of a port
    if told is None or (error.filename is None and error.errno not in IN_THE_MIDDLE):
        return None
    return f"{error.filename or 'a file that is read or written'}: {told}"


def read_object(path: Path) -> dict[str, Any]:
    """The values of a JSON file that holds an object.

    Raises:
        OSError: The file cannot be read.
        ValueError: It holds something else; `fault_of` says what.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(values, dict):
        raise ValueError("it holds no object in braces")  # the file's value, not a caller's
    return values


def fault_of(error: BaseException) -> str:
    """What an error says of the file that was read, without the names of Python's and other libraries' types."""
    if isinstance(error, json.JSONDecodeError):
        return _fault_of_json(error)
    if isinstance(error, UnicodeError):
        return "it is no text in UTF-8"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, KeyError):
        return f"it lacks '{error.args[0]}'" if error.args else "it lacks a value"
    if isinstance(error, OSError) and error.strerror:
        return _fault_of_system(error, error.strerror)
    text = text_of_error(error)
    if type(error).__name__ == "SafetensorError":
        return "it is cut off" if any(sign in text for sign in _CUT_OFF) else "it is no safetensors file"
    if not text or isinstance(error, AttributeError | LookupError | TypeError | ArithmeticError):
        return "a value in it is of another kind than it should be"
    return "a number in it is too long" if "int_max_str_digits" in text else text


def text_of_error(error: BaseException, most: int = MOST_SIGNS) -> str:
    """The text of an error in one line; one of more than `most` characters is cut between two words."""
    text = " ".join(str(error).split())
    if len(text) <= most:
        return text
    # one sign more: a word that ends there is whole; a path or a word that is longer than all is cut within
    whole, blank, _ = text[: most + 1].rpartition(" ")
    return f"{whole if blank else text[:most]} ..."


def _fault_of_json(error: json.JSONDecodeError) -> str:
    rest = error.doc.rstrip()
    if not rest:
        return "it is empty"
    if error.pos >= len(rest) or error.msg.startswith("Unterminated string"):
        return f"it ends in the middle, at line {rest.count(chr(10)) + 1}"
    return f"it is no JSON at line {error.lineno}"


def _fault_of_system(error: OSError, said: str) -> str:
    if isinstance(error, FileNotFoundError):
        return "it is not there"
    if isinstance(error, IsADirectoryError):
        return "it is a folder"
    if isinstance(error, PermissionError):
        return "it may not be read by this user"
    return f"the system says: {said.lower()}"
