"""Sampled values as overrides in Hydra's grammar."""

import re
from collections.abc import Mapping
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.types import Quote, QuotedString

from slimtune.sweeper.space.dimension import Scalar

# what Hydra's grammar reads as one plain text
PLAIN_TEXT = re.compile(r"[A-Za-z_][\w./+-]*")
RESERVED_WORDS = {"null", "true", "false", "nan", "inf"}


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
            return "{" + ",".join(f"{override_value(key)}:{override_value(item)}" for key, item in value.items()) + "}"
        case _:
            return "[" + ",".join(override_value(item) for item in value) + "]"


def override(key: str, value: Scalar, *, is_group: bool) -> str:
    """The override that sets a sampled value, or chooses an option of a config group.

    Texts of lists and mappings pass as they are. Values are set by force, so that a key added on the command line
    (`+key=...`) can be searched too.
    """
    is_structure = isinstance(value, str) and value[:1] in ("[", "{")
    return f"{'' if is_group else '++'}{key}={value if is_structure else override_value(value)}"


def override_lines(params: Mapping[str, Scalar], loader: ConfigLoader) -> list[str]:
    """Sampled values as overrides; a key that is a config group chooses its option."""
    return [override(key, value, is_group=bool(loader.get_group_options(key))) for key, value in params.items()]
