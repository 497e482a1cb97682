"""What a key is where nobody sets it, and which options of config groups bring something else."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from slimtune.sweeper.reference.key_facts import KeyFact
from slimtune.sweeper.reference.option_values import composing, default_values, option_values, values_by_key
from slimtune.sweeper.reference.plain_text import yaml_text
from slimtune.sweeper.reference.sections import SECTIONS, Section, group_options

# where options bring more than so many different values, each says for itself what it is
MOST_VALUES = 8
# which way a score is better, as the files of tasks write it
OF_METRIC = re.compile(r"\$\{slimtune\.direction:\$\{([\w.]+)\}\}")


class KeyDefault(NamedTuple):
    """The values of a key.

    Attributes:
        value: Where nobody chooses; None where the chosen options have no such key.
        others: Others, as text, with the options that bring each, e.g. `method=full`.
        searched: Its dimension in the default space, as text; empty where it is not searched.
    """

    value: str | None
    others: Mapping[str, Sequence[str]]
    searched: str


class KeyDefaults(NamedTuple):
    """The values of all keys, as text.

    Attributes:
        own: Where nobody chooses.
        brought: What each option sets, by `method=full`.
        space: The default space.
    """

    own: Mapping[str, str]
    brought: Mapping[str, Mapping[str, str]]
    space: Mapping[str, Any]

    def of(self, section: Section, fact: KeyFact) -> KeyDefault:
        """Those that a key has with the types that its fact is of."""
        name = f"{section.path}.name"
        everywhere = not fact.kinds or len(fact.kinds) == len(section.kinds)
        is_chosen = everywhere or self.own.get(name) in fact.kinds
        value = self.own.get(fact.key) if is_chosen else None
        others: dict[str, list[str]] = {}
        for option, values in self.brought.items():
            # an option of another group may set it too
            fits = everywhere or values.get(name, fact.kinds[0]) in fact.kinds
            if fits and fact.key in values and values[fact.key] != value:
                others.setdefault(values[fact.key], []).append(option)
        return KeyDefault(value, others, _searched(fact.key, self.space) if is_chosen else "")


def key_defaults(groups: Sequence[str] | None = None) -> KeyDefaults:
    """Of every key.

    Args:
        groups: The config groups whose options are looked at, each in a few hundredths of a second; None is all.
    """
    looked_at = [section.group for section in SECTIONS] if groups is None else groups
    with composing():
        values = default_values()
        brought = {
            f"{group}={option}": _texts(option_values(group, option))
            for group in looked_at
            for option in group_options(group)
        }
    space = values.pop("space")
    return KeyDefaults(_texts(values), brought, space)


def told_values(found: KeyDefault, mark: Callable[[str], str] = str) -> str:
    """All that a key is by default on one line; where options differ too much, only that they do.

    Args:
        found: The values.
        mark: Makes code of a text.
    """
    if found.value is None and len(found.others) == 1:
        return _shown(next(iter(found.others)), mark)
    parts = [] if found.value is None else [_shown(found.value, mark)]
    if len(found.others) <= MOST_VALUES:
        parts += [
            f"{_shown(text, mark)} with {', '.join(map(mark, options))}" for text, options in found.others.items()
        ]
    else:
        groups = dict.fromkeys(one.partition("=")[0] for options in found.others.values() for one in options)
        parts.append(f"others with options of {', '.join(map(mark, groups))}")
    return "; ".join(parts)


def _shown(text: str, mark: Callable[[str], str]) -> str:
    if found := OF_METRIC.fullmatch(text):
        return f"that of {mark(found[1])}"
    return mark(text)


def _texts(values: Mapping[str, Any]) -> Mapping[str, str]:
    return {key: yaml_text(value) for key, value in values_by_key(values).items()}


def _searched(key: str, space: Any) -> str:
    for part in key.split("."):
        space = space.get(part) if isinstance(space, Mapping) else None
    if not isinstance(space, Mapping) or "type" not in space:
        return ""
    if "values" in space:
        return yaml_text(space["values"])
    return f"{yaml_text(space['low'])} to {yaml_text(space['high'])}{', log' if space.get('log') else ''}"
