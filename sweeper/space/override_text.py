"""Sampled values as overrides in Hydra's grammar."""

import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from hydra._internal.grammar.utils import escape_special_characters
from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Quote, QuotedString
from hydra.errors import HydraException

from slimtune.sweeper.config_values import is_group
from slimtune.sweeper.space.dimension import Scalar
from slimtune.training.errors import ConfigError

# what Hydra's grammar reads as one plain text
PLAIN_TEXT = re.compile(r"[A-Za-z_][\w./+-]*", re.ASCII)
RESERVED_WORDS = {"null", "true", "false", "nan", "inf"}
# a choice that begins with one of these stands as its text in Hydra's grammar: a list, a mapping, or a quoted text
WRITTEN = ("[", "{", "'", '"')


def override_value(value: Any) -> str:
    """A value in Hydra's override grammar."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int() | float():
            return repr(value)
        case str() if PLAIN_TEXT.fullmatch(value) and value.lower() not in RESERVED_WORDS:
            return value
        case str():
            return QuotedString(text=value, quote=Quote.single).with_quotes()
        case Mapping():
            return "{" + ",".join(f"{name_in_braces(key)}:{override_value(item)}" for key, item in value.items()) + "}"
        case _:
            return "[" + ",".join(override_value(item) for item in value) + "]"


def name_in_braces(key: Any) -> str:
    """A name in braces, around which Hydra takes no quotes."""
    return escape_special_characters(key) if isinstance(key, str) else override_value(key)


def choice_value(value: Any) -> Scalar:
    """What may be chosen, as a choice keeps it: no text is taken for a list or a mapping, whatever it begins with.

    Raises:
        ConfigError: A mapping has a name that Hydra's grammar cannot write.
    """
    if isinstance(value, Scalar) and not is_written(value):
        return value
    written = override_value(value)
    for name in _names(value):
        if not _is_kept(name):
            raise ConfigError(
                [f"{written} has the name {name!r}, which Hydra reads as another; search mappings without that name"]
            )
    return written


def _names(value: Any) -> Iterator[Any]:
    """The names in mappings, at every depth."""
    match value:
        case Mapping():
            yield from value
            yield from chain.from_iterable(map(_names, value.values()))
        case list() | tuple():
            yield from chain.from_iterable(map(_names, value))


def _is_kept(name: Any) -> bool:
    """Whether Hydra reads a name as it is; the text of a whole number may be that number."""
    try:
        parsed: Any = OverridesParser.create().parse_override(f"key={{{name_in_braces(name)}: 1}}").value()
    except HydraException:
        return False
    return [*map(str, parsed)] == [str(name)]


def is_written(value: object) -> bool:
    """Whether a choice stands as its text in Hydra's grammar."""
    return isinstance(value, str) and value.startswith(WRITTEN)


def chosen_value(value: Scalar) -> Any:
    """What a choice stands for."""
    return OverridesParser.create().parse_override(f"key={value}").value() if is_written(value) else value


def override(key: str, value: Scalar, *, is_group: bool) -> str:
    """The override that sets a sampled value, or chooses an option of a config group.

    Values that stand as their text pass as they are. Values are set by force, so that a key added on the command line
    (`+key=...`) can be searched too.
    """
    name = key if is_group else f"++{key.lstrip('+')}"
    return f"{name}={value if is_written(value) else override_value(value)}"


def override_lines(params: Mapping[str, Scalar], loader: ConfigLoader) -> list[str]:
    """Sampled values as overrides; a key that is a config group chooses its option."""
    return [override(key, value, is_group=is_group(loader, key)) for key, value in params.items()]


def options_of(loader: ConfigLoader, key: str) -> list[str]:
    """The options of a config group, `group@package` and `+group` among them; none of any other key."""
    options: list[str] = loader.get_group_options(key.lstrip("+").partition("@")[0])
    return options
