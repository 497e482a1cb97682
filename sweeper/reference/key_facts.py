"""What is known of a key: its type, its values, its rule, and what it means."""

import types
from collections.abc import Iterator, Sequence
from dataclasses import Field, fields
from enum import Enum
from typing import Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from slimtune.sweeper.reference.attribute_texts import attribute_texts, introduction
from slimtune.sweeper.reference.sections import ANY, SECTIONS, Section
from slimtune.training.config.task import CustomTask

# a section inside another one has its own facts
INNER = {"export.target"}


class KeyFact(NamedTuple):
    """A key of one type of a section.

    Attributes:
        key: Dotted.
        kinds: The section's names that have it with this meaning; none where the section has one type.
        form: Its type in words of YAML's readers, e.g. `float or null`.
        values: The words it may be; empty where it is no choice.
        rule: What a value must satisfy beside; empty for nothing.
        text: What it means; empty where nothing says it.
    """

    key: str
    kinds: Sequence[str]
    form: str
    values: Sequence[str]
    rule: str
    text: str


def key_facts() -> Sequence[KeyFact]:
    """Of all keys of all sections, those of a section together."""
    return [fact for section in SECTIONS for fact in section_facts(section)]


def section_facts(section: Section) -> Sequence[KeyFact]:
    """Of the keys of a section, in the order of its types; what several of them say alike stands once.

    The key `name` is left out where a section's option sets it.
    """
    found: dict[KeyFact, list[str]] = {}
    for kind, section_type in section.kinds.items():
        for fact in _facts(section, section_type):
            found.setdefault(fact, []).append(kind)
    return [fact._replace(kinds=tuple(kind for kind in kinds if kind != ANY)) for fact, kinds in found.items()]


def _facts(section: Section, section_type: Any) -> Iterator[KeyFact]:
    texts, hints = attribute_texts(section_type), get_type_hints(section_type)
    for item in fields(section_type):
        chooses = item.name == "name" and ANY not in section.kinds and section_type is not CustomTask
        if chooses or f"{section.path}.{item.name}" in INNER:
            continue
        values = _choices(hints[item.name])
        text = " ".join(filter(None, [texts.get(item.name, ""), _of_choices(hints[item.name], texts.get(item.name))]))
        yield KeyFact(f"{section.path}.{item.name}", (), _form(hints[item.name]), values, _rule(item), text)


def _rule(item: "Field[Any]") -> str:
    rule = item.metadata.get("rule")
    return "" if rule is None else str(rule.text).removeprefix("use ")


def _choices(hint: Any) -> Sequence[str]:
    """The members of an enum, also of one in a list or that may be null."""
    kinds = _enums(hint)
    if kinds:
        return tuple(str(member.value) for member in kinds[0])
    return ("true", "false") if bool in (hint, *get_args(hint)) else ()


def _enums(hint: Any) -> list[type[Enum]]:
    if isinstance(hint, type) and issubclass(hint, Enum):
        return [hint]
    return [found for one in get_args(hint) for found in _enums(one)]


def _of_choices(hint: Any, said: str | None) -> str:
    """What the enum says of its members, where that is more than what the key says."""
    kinds = _enums(hint)
    if not kinds:
        return ""
    members = [f"`{name}`: {text[:1].lower()}{text[1:]}" for name, text in attribute_texts(kinds[0]).items()]
    whole = introduction(kinds[0])
    names_one = any(f"`{member.value}`" in whole for member in kinds[0])
    told = [*([whole] if names_one else []), *members]
    return " ".join(one for one in told if one not in (said or ""))


def _form(hint: Any) -> str:
    if get_origin(hint) in (Union, types.UnionType):
        return " or ".join(_form(one) for one in get_args(hint))
    if hint is type(None):
        return "null"
    if hint is Any:
        return "any"
    if get_origin(hint) is list:
        inner = get_args(hint)[0]
        return "list of mappings" if get_origin(inner) is dict else f"list of {_form(inner)}"
    if get_origin(hint) is dict:
        return f"{_form(get_args(hint)[1])} by name"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return "word"
    return {"str": "text", "int": "int", "float": "float", "bool": "bool"}[hint.__name__]
