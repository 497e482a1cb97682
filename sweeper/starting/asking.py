"""How an answer comes about: from a flag, from a person on a terminal, or as it is guessed."""

import sys
from collections.abc import Callable
from typing import Protocol, TypeVar

from slimtune.training.errors import UserError

Answer = TypeVar("Answer")


class Ask(Protocol):
    """Puts a question."""

    def __call__(self, question: str, usual: str | None, read: Callable[[str], Answer]) -> Answer:
        """What an answer is read as.

        Args:
            question: What is not known.
            usual: Taken for an empty answer; None where there is none.
            read: Makes of the answer what is asked for; its `UserError` says why an answer is none.
        """


def on_terminal(question: str, usual: str | None, read: Callable[[str], Answer]) -> Answer:
    """Ask a person on the terminal until something is said that can be read."""
    shown = f"{question} [{usual}]: " if usual is not None else f"{question}: "
    while True:
        sys.stderr.write(shown)
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            raise UserError("the answers ended before the questions; give the rest as flags (slimtune init --help)")
        said = line.strip() or usual
        if not said:
            continue
        try:
            return read(said)
        except UserError as error:
            sys.stderr.write(f"  {error}\n")


def as_guessed(question: str, usual: str | None, read: Callable[[str], Answer]) -> Answer:
    """What is taken where nobody can be asked.

    Raises:
        UserError: Nothing is guessed.
    """
    if usual is None:
        raise UserError(f"nobody can be asked here, and this is not known: {question}")
    return read(usual)
