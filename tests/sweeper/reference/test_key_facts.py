"""Every key of the config says what it means, and every choice."""

from dataclasses import dataclass, fields
from enum import Enum

import pytest

from slimtune.sweeper.config_values import SECTIONS as TOP
from slimtune.sweeper.reference.attribute_texts import attribute_texts, introduction
from slimtune.sweeper.reference.key_facts import key_facts, section_facts
from slimtune.sweeper.reference.option_texts import option_text
from slimtune.sweeper.reference.option_values import composing, default_values, option_values, values_by_key
from slimtune.sweeper.reference.sections import ANY, SECTIONS, WIDE_GROUPS, Section, group_options


class Speed(Enum):
    """How fast; `slow` is the other one."""

    quick = "quick"
    slow = "slow"


@dataclass(kw_only=True)
class First:
    """What both have.

    Attributes:
        name: Which.
        speed: Of the whole,
            on two lines: with a colon.
    """

    name: str
    speed: Speed


@dataclass(kw_only=True)
class Second(First):
    """More of it.

    Attributes:
    parts: As far in as the head.
    """

    parts: list[Speed] | None


def test_a_docstring_is_read_attribute_by_attribute() -> None:
    """With those of its base, continued lines, and colons in them."""
    assert attribute_texts(Second) == {
        "name": "Which.",
        "speed": "Of the whole, on two lines: with a colon.",
        "parts": "As far in as the head.",
    }
    assert introduction(Second) == "More of it."


def test_a_fact_has_type_words_and_what_the_words_do() -> None:
    name, speed, parts = section_facts(Section("own", {ANY: Second}))
    assert (name.key, name.form, name.values) == ("own.name", "text", ())
    assert (speed.form, speed.values) == ("word", ("quick", "slow"))
    assert speed.text.endswith("colon. How fast; `slow` is the other one.")
    assert (parts.form, parts.values) == ("list of word or null", ("quick", "slow"))


def test_what_several_types_say_alike_stands_once() -> None:
    facts = section_facts(Section("own", {"a": First, "b": Second}))
    assert [(fact.key, fact.kinds) for fact in facts] == [("own.speed", ("a", "b")), ("own.parts", ("b",))]


def test_every_key_has_a_text() -> None:
    """The class's docstring says it; a key without one is no key that a user can use."""
    facts = key_facts()
    assert len(facts) > 150
    assert [fact.key for fact in facts if len(fact.text) < 5] == []


def test_every_field_has_a_text_of_its_own_or_its_bases() -> None:
    kinds = {kind for section in SECTIONS for kind in section.kinds.values()}
    missing = [(kind.__name__, item.name) for kind in kinds for item in fields(kind) if not said(kind, item.name)]  # type: ignore[arg-type]
    assert missing == []


def said(kind: type, name: str) -> bool:
    # of a section without keys of its own
    return name in attribute_texts(kind) or len(fields(kind)) == 1  # type: ignore[arg-type]


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.path)
def test_every_choice_says_what_it_is_for(section: Section) -> None:
    """Its type does, or the comment at the beginning of its file."""
    assert [one for one in group_options(section.group) if one != "default" and not option_text(section, one)] == []


@pytest.mark.parametrize("group", WIDE_GROUPS)
def test_every_choice_of_a_wide_group_says_what_it_is_for(group: str) -> None:
    assert [one for one in group_options(group) if not option_text(Section(group, {}), one)] == []


def test_every_key_of_the_files_is_known() -> None:
    """What a file of a group sets is a key of the reference, or inside of one that takes a mapping."""
    known = {fact.key for fact in key_facts()} | {section.path for section in SECTIONS}
    known |= {f"{section.path}.name" for section in SECTIONS}
    with composing():
        keys = set(values_by_key({name: value for name, value in default_values().items() if name != "space"}))
        for section in SECTIONS:
            for option in group_options(section.group):
                keys |= set(values_by_key(option_values(section.group, option)))
    inside = {key for key in keys if any(key.startswith(f"{one}.") for one in mappings())}
    assert keys - known - inside == set()
    assert {section.path.partition(".")[0] for section in SECTIONS} | {"space"} == set(TOP)


def mappings() -> list[str]:
    return [
        fact.key for fact in key_facts() if fact.form == "any" or fact.form.startswith(("text by name", "any by name"))
    ]
