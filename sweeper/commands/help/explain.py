"""`slimtune explain`: what a key of the config means, what it can be, and what it is by default."""

import argparse
import shutil
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from slimtune.export.commands.command_parser import CommandParser
from slimtune.training.errors import ConfigError

if TYPE_CHECKING:
    from slimtune.sweeper.reference.key_defaults import KeyDefaults
    from slimtune.sweeper.reference.key_facts import KeyFact
    from slimtune.sweeper.reference.sections import Section

WIDEST = 100
INDENT = "  "
# for a blank of what can be copied, where no line ends
KEPT_BLANK = "\0"


def run(arguments: Sequence[str]) -> int:
    """Print what is asked for: sections, the keys of one, or keys.

    Raises:
        ConfigError: There is no such key.
    """
    options = command_parser().parse_args(arguments)
    told = [_told(word) for word in options.keys] if options.keys else [_sections()]
    print("\n\n".join("\n".join(lines) for lines in told))
    return 0


def command_parser() -> argparse.ArgumentParser:
    """What can be given on the command line."""
    parser = CommandParser(prog="slimtune explain", description=__doc__)
    parser.add_argument(
        "keys",
        nargs="*",
        default=[],
        metavar="key",
        help="a key, e.g. fit.learning_rate; a section, e.g. fit or search.sampler; without any, all sections",
    )
    return parser


def _sections() -> Iterator[str]:
    from slimtune.sweeper.reference.sections import SECTIONS, WIDE_GROUPS, group_options

    yield "sections of the config, and the choices that fill each"
    for section in SECTIONS:
        yield _hanging(f"{section.group}={', '.join(group_options(section.group))}")
    for group in WIDE_GROUPS:
        yield _hanging(f"{group}={', '.join(group_options(group))}")
    yield "slimtune explain fit tells the keys of fit, slimtune explain fit.learning_rate what that one means"


def _told(word: str) -> list[str]:
    from slimtune.sweeper.reference.key_defaults import key_defaults
    from slimtune.sweeper.reference.key_facts import key_facts
    from slimtune.sweeper.reference.sections import SECTIONS, WIDE_GROUPS

    # an override as it stands on a command line, and a group
    name = word.lstrip("+~").partition("=")[0].replace("/", ".")
    if (group := name.replace(".", "/")) in WIDE_GROUPS:
        return list(_group(group))
    facts = key_facts()
    if section := next((one for one in SECTIONS if one.path == name), None):
        return list(_section(section, [fact for fact in facts if fact.key.startswith(f"{name}.")]))
    found = [fact for fact in facts if fact.key == name or fact.key.rpartition(".")[2] == name]
    if not found:
        raise ConfigError([_unknown(word, name, [fact.key for fact in facts])])
    defaults = key_defaults([_section_of(fact).group for fact in found] + ["method", "fit"])
    return [line for fact in found for line in _key(fact, defaults)]


def _section_of(fact: "KeyFact") -> "Section":
    from slimtune.sweeper.reference.sections import SECTIONS

    return next(section for section in SECTIONS if section.path == fact.key.rpartition(".")[0])


def _unknown(word: str, name: str, known: Sequence[str]) -> str:
    from slimtune.sweeper.command_table import COMMANDS
    from slimtune.training.config.schema import suggestion

    if name in COMMANDS:
        return f"{word} is a command; its arguments are told by slimtune {name} --help"
    return f"{word} is not a key of the config; {suggestion(name, known)}"


def _group(group: str) -> Iterator[str]:
    from slimtune.sweeper.reference.option_texts import option_text
    from slimtune.sweeper.reference.sections import WIDE_GROUPS, Section, group_options

    yield f"{group.replace('/', '.')}: {WIDE_GROUPS[group]}"
    for option in group_options(group):
        yield _hanging(f"{group}={option}: {option_text(Section(group, {}), option)}")


def _section(section: "Section", facts: "Sequence[KeyFact]") -> Iterator[str]:
    from slimtune.sweeper.reference.attribute_texts import introduction
    from slimtune.sweeper.reference.option_texts import option_text
    from slimtune.sweeper.reference.sections import ANY, group_options

    about = f": {introduction(section.kinds[ANY])}" if ANY in section.kinds else ""
    yield from textwrap.wrap(f"{section.path}{about}", _width())
    for option in group_options(section.group):
        yield _hanging(f"{section.group}={option}: {option_text(section, option)}")
    yield ""
    for fact in facts:
        yield _hanging(f"{fact.key}{_with(fact)}: {fact.text}")


def _with(fact: "KeyFact") -> str:
    """The options that a key is of, as they are chosen, where not all of its section have it with this meaning."""
    section = _section_of(fact)
    if not fact.kinds or len(fact.kinds) == len(section.kinds):
        return ""
    kinds = ", ".join("a task of your own" if kind == "???" else kind for kind in fact.kinds)
    return f" ({section.group}={kinds})"


def _key(fact: "KeyFact", defaults: "KeyDefaults") -> Iterator[str]:
    from slimtune.sweeper.reference.key_defaults import told_values

    section = _section_of(fact)
    found = defaults.of(section, fact)
    yield f"{fact.key}{_with(fact)}"
    yield _hanging(fact.text)
    null = " or null" if fact.form.endswith("or null") else ""
    yield _hanging("value: " + (", ".join(fact.values) + null if fact.values else fact.form))
    if fact.rule:
        yield _hanging(f"rule: {fact.rule}")
    if told := told_values(found, _whole):
        yield _hanging(f"default: {told}")
    if found.searched:
        yield _hanging(f"searched by default: {_whole(found.searched)}")


def _whole(value: str) -> str:
    """A value that stands on one line, however long it is."""
    return value.replace(" ", KEPT_BLANK)


def _hanging(text: str) -> str:
    filled = textwrap.fill(
        text,
        _width(),
        initial_indent=INDENT,
        subsequent_indent=INDENT * 2,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return filled.replace(KEPT_BLANK, " ")


def _width() -> int:
    return min(WIDEST, shutil.get_terminal_size().columns)
