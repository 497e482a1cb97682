"""Values as YAML writes them on one line."""

from collections.abc import Mapping
from typing import Any

WORDS = {None: "null", True: "true", False: "false"}


def yaml_text(value: Any) -> str:
    """A value as a config file may have it."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {yaml_text(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(yaml_text, value))}]"
    if value is None or isinstance(value, bool):
        return WORDS[value]
    return f"{value:g}" if isinstance(value, float) else str(value)
