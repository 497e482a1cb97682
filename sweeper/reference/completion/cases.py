"""Cases as bash and zsh both have them: which command it is, and which option stands before."""

from collections.abc import Callable, Iterator, Mapping

from slimtune.sweeper.reference.completion.words import CommandWords, Option


def command_cases(
    commands: Mapping[str, CommandWords], lines: Callable[[CommandWords], Iterator[str]]
) -> Iterator[str]:
    """A function that offers what may follow a command and the word before.

    Args:
        commands: What each command can be given.
        lines: What is done for one.
    """
    yield "_slimtune_of() {"
    yield "    case $1 in"
    for word, given in commands.items():
        yield f"        {word})"
        yield from (f"            {line}" for line in lines(given))
        yield "            ;;"
    yield "    esac"
    yield "}"


def option_cases(given: CommandWords, offer: Callable[[Option], str]) -> Iterator[str]:
    """Values of the option that stands before, which is the second argument; nothing of a command without any."""
    taking = [option for option in given.options if option.takes_value]
    if taking:
        yield "case $2 in"
        yield from (f"    {option.name}) {offer(option)}; return ;;" for option in taking)
        yield "esac"
