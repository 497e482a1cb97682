"""A `tokenizer.json`, opened by the package tokenizers, which knows one error for all that may be wrong with it."""

from pathlib import Path

from tokenizers import Tokenizer

from slimtune.training.broken_files import BROKEN, fault_of, read_object
from slimtune.training.errors import ModelError


def open_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer of a file.

    Raises:
        ModelError: The file cannot be read, or says what the installed tokenizers does not know.
    """
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:
        # any: tokenizers raises nothing narrower
        raise ModelError(f"{path} is broken: {_fault(path)}; export the model again") from error


def _fault(path: Path) -> str:
    try:
        read_object(path)
    except BROKEN as broken:
        return fault_of(broken)
    return "it is none that the installed package tokenizers reads"
