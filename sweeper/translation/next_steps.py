"""What a person does next with a config file that was imported."""

import shlex
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import yaml

from slimtune.sweeper.translation.translate import Translation
from slimtune.training.listed_names import with_commas

CONF = "slimtune.conf"


def next_steps(found: Translation, path: str) -> Iterator[str]:
    """Lines with commands: a sweep only where the file leaves something to search.

    Args:
        found: What the file says.
        path: Where it lies.
    """
    named = shlex.quote(path)
    yield f"next: slimtune check --config {named}"
    searched = default_dimensions(found.choices.get("method") or _default("method"))
    left = [key for key in searched if key not in found.values]
    if left:
        yield f"then: slimtune sweep --config {named}"
        yield f"      searches {with_commas(left)}; slimtune train --config {named} trains once"
    else:
        yield f"then: slimtune train --config {named}"
        yield f"      trains once: nothing is left to search; to search, remove any of {with_commas(searched)} from it"


def default_dimensions(space: str) -> list[str]:
    """Keys that are searched when nothing else is asked for, dotted."""
    values = _file(f"space/{space}")
    inherited = [str(one) for one in values.pop("defaults", []) if one != "_self_"]
    keys = [key for one in inherited for key in default_dimensions(one)]
    own = [f"{section}.{key}" for section, inner in values.items() for key in inner]
    return list(dict.fromkeys([*keys, *own]))


def _default(group: str) -> str:
    """The option of a group that every command begins with."""
    chosen: dict[str, str] = {}
    for one in _file("config")["defaults"]:
        chosen |= one if isinstance(one, dict) else {}
    return chosen[group]


def _file(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(files(CONF).joinpath(f"{name}.yaml").read_text("utf-8"))
    return found
