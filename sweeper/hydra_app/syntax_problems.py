"""Overrides that are not in Hydra's grammar, each with a line that is."""

import shlex
from collections.abc import Sequence

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Quote, QuotedString
from hydra.errors import HydraException

# what a shell reads inside of double quotes
SHELL_SIGNS = set("$`\\!")


def syntax_problems(arguments: Sequence[str]) -> list[str]:
    """A sentence for each override that cannot be parsed."""
    return [
        problem
        for argument in arguments
        if not argument.startswith("-") and (problem := _problem(argument)) is not None
    ]


def _problem(argument: str) -> str | None:
    error = _error(argument)
    if error is None:
        return None
    key, equals, value = argument.partition("=")
    if not equals:
        return f"{argument} is no override; use key=value, e.g. fit.epochs=3"
    quoted = quoted_override(key, value)
    reason = str(error).splitlines()[0]
    what = "the value has quotes that do not close" if {"'", '"'} & set(value) else reason
    # a key that cannot be parsed is not mended by quotes
    repair = f"if it is a text, write {for_shell(quoted)}" if _error(quoted) is None else "give a key, = and a value"
    return f"{argument}: {what}; {repair}"


def quoted_override(key: str, value: str) -> str:
    """The override with its value as one text, without the quotes around it."""
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        value = value[1:-1]
    return f"{key}={QuotedString(text=value, quote=Quote.double).with_quotes()}"


def for_shell(argument: str) -> str:
    """As one word of a shell."""
    if SHELL_SIGNS & set(argument.replace('\\"', "")):
        return shlex.quote(argument)
    escaped = argument.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _error(argument: str) -> HydraException | None:
    try:
        OverridesParser.create().parse_override(argument)
    except HydraException as error:
        return error
    return None
