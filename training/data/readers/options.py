"""How files are read, and what a person should know of it."""

import logging
from collections.abc import Iterable
from typing import NamedTuple

log = logging.getLogger(__name__)


class Told:
    """What was decided or noticed in reading, each with the places where."""

    def __init__(self) -> None:
        self._places: dict[str, list[str]] = {}
        self._said: list[str] = []

    def add(self, what: str, place: object) -> None:
        """Something that holds for a place, e.g. a file."""
        places = self._places.setdefault(what, [])
        if str(place) not in places:
            places.append(str(place))

    def say(self, sentences: Iterable[str]) -> None:
        """What is said of places by itself."""
        self._said += [one for one in sentences if one not in self._said]

    def notes(self) -> list[str]:
        """A sentence for each thing, with the first place."""
        found = [f"{places[0]}{_more(len(places) - 1)}: {what}" for what, places in self._places.items()]
        return [*found, *self._said]

    def log(self) -> None:
        """For commands without a report."""
        for note in self.notes():
            log.warning("%s", note)


def _more(count: int) -> str:
    return f" and {count} more" if count else ""


class ReadOptions(NamedTuple):
    """How files are read.

    Attributes:
        told: Takes what a person should know.
        encoding: Of text files; None is UTF-8, or what a byte order mark says.
        named_by: What a person names another encoding by; None where nothing does.
    """

    told: Told
    encoding: str | None = None
    named_by: str | None = "data.encoding="

    def repair(self, encoding: str) -> str:
        """What to do about a text file that may be in this encoding."""
        named = f", or name its encoding, e.g. {self.named_by}{encoding}" if self.named_by else ""
        return f"save the file as UTF-8{named}"
