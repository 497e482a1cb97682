"""All keys of the config as a page of the documentation."""

import re
import textwrap

from slimtune.sweeper.reference.attribute_texts import introduction
from slimtune.sweeper.reference.key_defaults import KeyDefaults, key_defaults, told_values
from slimtune.sweeper.reference.key_facts import KeyFact, section_facts
from slimtune.sweeper.reference.option_texts import option_text
from slimtune.sweeper.reference.sections import ANY, SECTIONS, WIDE_GROUPS, Section, group_options

WIDTH = 100
HEAD = """\
# Reference: keys of the config

Written by `make reference` from the types and files of the config: do not edit it. The same from a
terminal: `slimtune explain fit.learning_rate`, `slimtune explain method`, and
`slimtune sweep --cfg job --resolve` for all keys with their values.

A key is set on the command line (`fit.batch_size=8`) or in a file of your own
([--config](../own-rows.md)); a choice of a group, such as `method=full`, sets all keys of
its section. `any` is a value whose form the meaning tells. What else a key can be is an error that
names key, value, rule and repair.
"""


def key_page() -> str:
    """The page, in Markdown."""
    defaults = key_defaults()
    parts = [HEAD, *(_section(section, defaults) for section in SECTIONS), *map(_wide, WIDE_GROUPS.items())]
    return "\n".join(parts)


def cell(text: str) -> str:
    """A text as a cell of a table, which a bar would end, and `<` begin a tag where it stands outside of code."""
    parts = " ".join(text.split()).replace("|", "\\|").split("`")
    return "`".join(part if place % 2 else part.replace("<", "\\<") for place, part in enumerate(parts))


def code(text: str) -> str:
    """A text as code; empty stays empty."""
    return f"`{text}`" if text else ""


def in_page_width(text: str) -> str:
    """Paragraphs in the width of a page."""
    return "\n\n".join(
        textwrap.fill(one, WIDTH, break_long_words=False, break_on_hyphens=False) for one in text.split("\n\n")
    )


def _section(section: Section, defaults: KeyDefaults) -> str:
    lines = [f"## {section.path}", ""]
    if ANY in section.kinds:
        lines += [in_page_width(introduction(section.kinds[ANY])), ""]
    options = group_options(section.group)
    if len(options) > 1:
        lines += ["| choice | what |", "| -- | -- |"]
        lines += [f"| `{section.group}={option}` | {cell(option_text(section, option))} |" for option in options]
        lines.append("")
    facts = section_facts(section)
    several = ANY not in section.kinds
    lines += [
        f"| key |{' with |' if several else ''} value | default | meaning |",
        "| -- " * (5 if several else 4) + "|",
    ]
    lines += [_row(section, fact, defaults, several=several) for fact in facts]
    return "\n".join([*lines, ""])


def _row(section: Section, fact: KeyFact, defaults: KeyDefaults, *, several: bool) -> str:
    found = defaults.of(section, fact)
    parts = [code(fact.key)]
    if several:
        own = [kind for kind in fact.kinds if kind != "???"]
        parts.append("all" if set(fact.kinds) == set(section.kinds) else ", ".join(map(code, own)) or "your own")
    parts += [_value(fact), told_values(found, code), fact.text]
    if found.searched:
        parts[-1] += f" Searched by default: {found.searched}."
    return "| " + " | ".join(map(cell, parts)) + " |"


def _value(fact: KeyFact) -> str:
    if fact.values and fact.form != "bool":
        null = ", `null`" if fact.form.endswith("or null") else ""
        many = "a list of " if fact.form.startswith("list") else ""
        return many + ", ".join(map(code, fact.values)) + null
    if not fact.rule:
        return fact.form
    rule = re.sub(r"((?:\w+Provider(?:, )?)+)", _shortened, fact.rule)
    return rule if fact.form == "any" else f"{fact.form}: {rule}"


def _shortened(found: re.Match[str]) -> str:
    """A long list of names by its first few."""
    names = found[1].split(", ")
    return ", ".join([*names[:3], f"and {len(names) - 3} more"]) if len(names) > 4 else found[1]


def _wide(group: tuple[str, str]) -> str:
    name, what = group
    lines = [f"## {name.replace('/', '.')}", "", in_page_width(what), "", "| choice | what |", "| -- | -- |"]
    rows = [f"| `{name}={one}` | {cell(option_text(Section(name, {}), one))} |" for one in group_options(name)]
    return "\n".join([*lines, *rows, ""])
