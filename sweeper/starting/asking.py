"""How an answer comes about: from a flag, from a person on a terminal, or as it is guessed."""

import sys
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from slimtune.export.commands.terminal_text import broken_at_blanks
from slimtune.training.errors import UserError

Answer = TypeVar("Answer")


class NotKnown(UserError):
    """Nobody can be asked, and nothing is guessed."""


class Ask(Protocol):
    """Puts a question."""

    def __call__(
        self, question: str, usual: str | None, read: Callable[[str], Answer], known: Sequence[str], /
    ) -> Answer:
        """What an answer is read as.

        Args:
            question: What is not known.
            usual: Taken for an empty answer; None where there is none.
            read: Makes of the answer what is asked for; its `UserError` says why an answer is none.
            known: What may be named; empty where that is not one of a few.
        """


def on_terminal(question: str, usual: str | None, read: Callable[[str], Answer], known: Sequence[str]) -> Answer:
    """Ask a person on the terminal until something is said that can be read."""
    shown = broken_at_blanks(f"{question} [{usual}]:" if usual is not None else f"{question}:", sys.stderr)
    while True:
        sys.stderr.write(f"{shown} ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            raise UserError("the answers ended before the questions; give the rest as flags (slimtune init --help)")
        said = line.strip() or usual
        if not said:
            named = f": {', '.join(known)}" if known else ""
            _tell(f"nothing is guessed here; name one{named}")
            continue
        try:
            return read(said)
        except UserError as error:
            _tell(str(error))


def as_guessed(question: str, usual: str | None, read: Callable[[str], Answer], _known: Sequence[str]) -> Answer:
    """What is taken where nobody can be asked.

    Raises:
        NotKnown: Nothing is guessed.
    """
    if usual is None:
        raise NotKnown(f"nobody can be asked here, and this is not known: {question}")
    return read(usual)


class Gathering:
    """Words of flags, or answers; what is not known is told at once."""

    def __init__(self, ask: Ask) -> None:
        self.ask = ask
        self._unknown: list[str] = []

    def said(
        self, given: str | None, question: str, usual: str | None, read: Callable[[str], str], known: Sequence[str]
    ) -> str:
        """What a flag says, else the answer; empty where it is not known, until `check` says so."""
        if given:
            return read(given)
        try:
            return self.ask(question, usual, read, known)
        except NotKnown:
            self._unknown.append(question)
            return ""

    def check(self, columns: Sequence[str]) -> None:
        """Tell what is not known.

        Args:
            columns: Those that the rows have.

        Raises:
            NotKnown: Something is not.
        """
        if self._unknown:
            what = "this is" if len(self._unknown) == 1 else "these are"
            raise NotKnown(
                f"nobody can be asked here, and {what} not known: {'; '.join(self._unknown)}; "
                f"the rows have the columns {', '.join(columns)}"
            )


def _tell(text: str) -> None:
    sys.stderr.write(broken_at_blanks(f"  {text}", sys.stderr) + "\n")
