"""The parser of a command's arguments: a flag that it has not is told with the one that may be meant."""

import argparse
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

from slimtune.training.config.dotted_keys import key_suggestion, meant_keys
from slimtune.training.config.near_names import nearest_name
from slimtune.training.errors import UserError

# keys that take the name of an option
GROUPS = ("export.target", "search.sampler", "search.pruner")
# how argparse begins what it says of words that are missing
MISSING = "the following arguments are required"


class CommandParser(argparse.ArgumentParser):
    """Looks at all flags first: argparse would miss the required one before it sees the one that was misspelt.

    Attributes:
        takes_keys: Whether keys of the config may be given, as `key=value`.
        keys: Names these keys, for whoever gives the last part of one as a flag.
        there: Names what a word could be that is missing, given all words; as the end of a sentence.
        one_only: What is said, as the end of a sentence, where more words are given than the command takes.
    """

    one_only: str | None = None
    keys: Callable[[], Sequence[str]] | None = None
    there: Callable[[Sequence[str]], str] | None = None
    _words: Sequence[str] = ()

    def __init__(self, *args: Any, takes_keys: bool = False, **options: Any) -> None:
        super().__init__(*args, **options)
        self.takes_keys = takes_keys

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse's.

        Raises:
            UserError: A word is no flag of the command.
        """
        self._look_at(args)
        return super().parse_known_args(args, namespace)

    def parse_known_intermixed_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse's, which in Pythons from 3.12 on does not come by `parse_known_args`.

        Raises:
            UserError: A word is no flag of the command.
        """
        self._look_at(args)
        return super().parse_known_intermixed_args(args, namespace)

    def _look_at(self, args: Any) -> None:
        self._words = list(args or ())
        check_flags(self, self._words)

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse's.

        Raises:
            UserError: A word is one too many.
        """
        found, more = self.parse_known_args(args, namespace)
        if more and self.one_only is not None and not more[0].startswith("-"):
            raise UserError(f"{self.prog} is given '{more[0]}' as well; {self.one_only}")
        if more:
            self.error(f"unrecognized arguments: {' '.join(more)}")
        return found

    def error(self, message: str) -> NoReturn:
        """As argparse's; of a word that is missing, with what it could be."""
        if self.there is not None and message.startswith(MISSING):
            message = f"{message}; {self.there(self._words)}"
        super().error(message)


def check_flags(parser: CommandParser, words: Sequence[str]) -> None:
    """Whether all words that look like flags are flags, or the beginning of one.

    Raises:
        UserError: One is none.
    """
    known = list(_flags(parser))
    cut = parser.allow_abbrev
    for at, word in enumerate(words):
        if word == "--":
            return
        name = word.partition("=")[0]
        # what has a space is a text to argparse, and one dash may begin a number
        if not name.startswith("--") or " " in word or name in known:
            continue
        if cut and any(one.startswith(name) for one in known):
            continue
        raise UserError(f"{name} is no flag of {parser.prog}; {_repair(parser, words[at:], known)}")


def _repair(parser: CommandParser, words: Sequence[str], known: Sequence[str]) -> str:
    name, equals, value = words[0].partition("=")
    keys = (parser.keys or tuple)()
    if parser.takes_keys and "." in name:
        bare, following = name.lstrip("-"), next(iter(words[1:]), "...")
        # keys of Hydra's own are in no list, and what chooses a section has none of its own
        is_one = not keys or bare in (*keys, *GROUPS) or bare.startswith("hydra.")
        meant = [bare] if is_one else meant_keys(bare, keys)
        if not meant:
            return f"no key is called so either, {key_suggestion(bare, keys)}"
        return f"a value is set without dashes, {meant[0]}={value if equals else following}"
    ends = [key for key in keys if key.rpartition(".")[2] == name.lstrip("-").replace("-", "_")]
    if ends:
        following = next(iter(words[1:]), "...")
        return f"a value is set by its key, without dashes: {ends[0]}={value if equals else following}"
    near = nearest_name(name.lstrip("-"), [one.lstrip("-") for one in known])
    return f"did you mean --{near}?" if near else f"known: {', '.join(known)}"


def _flags(parser: argparse.ArgumentParser) -> Iterator[str]:
    """The long ones, with those of its inner commands."""
    for action in parser._actions:
        yield from (name for name in action.option_strings if name.startswith("--"))
        if isinstance(action, argparse._SubParsersAction):
            for inner in {id(one): one for one in action.choices.values()}.values():
                yield from (name for name in _flags(inner) if name != "--help")
