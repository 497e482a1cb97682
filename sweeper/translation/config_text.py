"""A translation as a config file of ours."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from slimtune.sweeper.translation.translate import Translation

# in the order of a trial
SECTIONS = ("task", "data", "model", "fit", "method", "space", "search", "tracking", "export")


def config_text(found: Translation, source: str, path: str) -> str:
    """The file's text.

    Args:
        found: What it says.
        source: The other tool's file.
        path: Where it will lie.
    """
    return "\n".join([*_head(found, source, path), *_defaults(found.choices), *_sections(found.values)]) + "\n"


def _head(found: Translation, source: str, path: str) -> Iterator[str]:
    yield f"# from {source}, a config of {found.tool.value}; slimtune check --config {path} tries what it needs"
    for title, keys in told_parts(found):
        yield f"# {title}:"
        yield from (f"#   {name}: {told}" for name, told in keys.items())


def told_parts(found: Translation) -> Iterator[tuple[str, Mapping[str, str]]]:
    """What is said of keys beside those that are taken over, by what it is."""
    parts = {
        "not said by any key of it": found.open,
        "taken over, to look at": {name: told for name, told in found.left.items() if name in found.taken},
        "not taken over": {name: told for name, told in found.left.items() if name not in found.taken},
        "so here anyway": found.anyway,
    }
    yield from ((title, keys) for title, keys in parts.items() if keys)


def _defaults(choices: Mapping[str, str]) -> Iterator[str]:
    if not choices:
        return
    yield "defaults:"
    for group in sorted(choices, key=lambda group: (group.partition("/")[0] not in SECTIONS, group)):
        yield f"  - override /{group}: {choices[group]}"


def _sections(values: Mapping[str, Any]) -> Iterator[str]:
    for section in SECTIONS:
        own = {key.partition(".")[2]: value for key, value in values.items() if key.partition(".")[0] == section}
        if own:
            yield f"\n{section}:"
        for key, value in own.items():
            yield f"  {key}: {_scalar(value)}"


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        plain = yaml.safe_load(value) if value.replace("_", "").replace("-", "").replace("/", "").isalnum() else None
        return value if plain == value else json.dumps(value, ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False)
