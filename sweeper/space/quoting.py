"""Overrides whose value is one text, as a shell takes them."""

import shlex

from hydra.core.override_parser.types import Quote, QuotedString

# what a shell reads inside of double quotes
SHELL_SIGNS = set("$`\\!")


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
