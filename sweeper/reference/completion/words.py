"""What may stand where on a command line of slimtune, for the scripts of all shells."""

import argparse
import re
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from slimtune.sweeper.command_table import COMMANDS, COMPOSING, parser_of
from slimtune.sweeper.reference.attribute_texts import introduction
from slimtune.sweeper.reference.command_page import actions_of, inner_parsers
from slimtune.sweeper.reference.key_facts import key_facts
from slimtune.sweeper.reference.sections import ANY, SECTIONS, WIDE_GROUPS, group_options
from slimtune.training.usual_places import OUTPUTS, STORE

# arguments by the name under which a parser keeps them
SWEEPS = {"sweep", "sweeps", "what", "run"}
# those that are a sweep's name, a folder, or an alias of a registered model, by command
MODELS = {("predict", "model"), ("evaluate", "model"), ("promote", "source"), ("register", "source")}
# those that are a registered model's name or an alias alone, by command
REGISTERED = {("rollback", "name"), ("history", "name"), ("promote", "name"), ("register", "name")}
ALIASES = {("rollback", "alias"), ("history", "alias"), ("promote", "alias")}
# asked of the database itself, by Python without any package: MLflow would take seconds. Only names that a shell takes
# as they are; no single quotes, which stand around it
ASK = f"""\
import sqlite3
store = sqlite3.connect("file:{STORE}?mode=ro", uri=True, timeout=0.2)
words = dict(head="models:/", at="@", odd="*[^A-Za-z0-9._-]*")
for (word,) in store.execute("QUERY", words):
    print(word)
"""
# of keys whose value is a path
IS_PATH = re.compile(r"(_file|path|_dir)$")
# launchers of Hydra's own, beside those of slimtune
LAUNCHERS = ("basic",)


class ArgumentKind(Enum):
    """What an argument is, where it is no word of a list."""

    sweep = "sweep"
    # a sweep, or an alias of a registered model
    model = "model"
    # a registered model's name
    registered = "registered"
    # an alias alone
    alias = "alias"
    override = "override"
    key = "key"
    path = "path"


PLACES = {ArgumentKind.model: MODELS, ArgumentKind.registered: REGISTERED, ArgumentKind.alias: ALIASES}
# what the registry is asked for such an argument
QUERIES = {
    ArgumentKind.model: "select :head || name || :at || alias from registered_model_aliases "
    "where name || alias not glob :odd order by name, alias",
    ArgumentKind.registered: "select name from registered_models where name not glob :odd order by name",
    ArgumentKind.alias: "select distinct alias from registered_model_aliases where alias not glob :odd order by alias",
}

# of a script, behind its prefix: what offers the names of a kind
FUNCTIONS = {
    ArgumentKind.sweep: "sweeps",
    ArgumentKind.model: "models",
    ArgumentKind.registered: "registered",
    ArgumentKind.alias: "aliases",
}
# files may be given in their place
OR_FILE = {ArgumentKind.path, ArgumentKind.sweep, ArgumentKind.model}


class Option(NamedTuple):
    """A flag.

    Attributes:
        name: With its dashes.
        help: What it does.
        takes_value: Whether a value stands behind it.
        choices: What that may be; empty for a file or any text.
        kind: What it is else.
    """

    name: str
    help: str
    takes_value: bool
    choices: Sequence[str]
    kind: ArgumentKind


class CommandWords(NamedTuple):
    """What a command can be given.

    Attributes:
        summary: What it does.
        options: Its flags, with those of its inner commands.
        words: Words that it takes as they are.
        kinds: What else it takes.
    """

    summary: str
    options: Sequence[Option]
    words: Sequence[str]
    kinds: frozenset[ArgumentKind]


def asking(kind: ArgumentKind) -> str:
    """The command of a shell that writes what the registry knows for an argument, a word a line.

    Args:
        kind: One of `QUERIES`.
    """
    return f"test -f {STORE} && python3 -IS -c '{ASK.replace('QUERY', QUERIES[kind])}' 2>/dev/null"


def filled_head(head: str) -> str:
    """The beginning of a script, with the folder of sweeps and what asks the registry in it."""
    for kind in QUERIES:
        head = head.replace(f"ASK_{FUNCTIONS[kind].upper()}", asking(kind))
    return head.replace("OUTPUTS", OUTPUTS.name)


def offers(given: CommandWords, texts: Mapping[ArgumentKind, str], *, files: str) -> Iterator[str]:
    """What a shell's script says for the kinds that a command takes, in the order of the texts.

    Args:
        given: What the command can be given.
        texts: What is said for each kind that has something of its own.
        files: What is said last where files may stand, as they do beside names of sweeps and models.
    """
    yield from (text for kind, text in texts.items() if kind in given.kinds)
    if given.kinds & OR_FILE:
        yield files


class OverrideWord(NamedTuple):
    """A group or a key that a value is given to.

    Attributes:
        name: `search/sampler` or `fit.epochs`.
        help: What it means, in one sentence.
        values: What it may be; empty for anything.
        is_path: Whether that is a path.
    """

    name: str
    help: str
    values: Sequence[str]
    is_path: bool


def command_words() -> Mapping[str, CommandWords]:
    """By command, in the order of the help."""
    return {word: _words(word) for word in COMMANDS}


def override_words() -> Sequence[OverrideWord]:
    """Groups, then keys."""
    return [*_groups(), *_keys()]


def first_sentence(text: str) -> str:
    """A text up to the end of its first sentence, without marks of code."""
    plain = text.replace("`", "")
    return re.split(r"(?<!e\.g)(?<! al)[.;:] ", plain, maxsplit=1)[0].rstrip(".;:")


def _words(word: str) -> CommandWords:
    parser = parser_of(word)
    inner = inner_parsers(parser)
    parsers = [parser, *(one for _, _, one in inner)]
    actions = [action for one in parsers for action in actions_of(one)]
    options = {name: _option(word, name, action) for action in actions for name in action.option_strings}
    options["--help"] = Option("--help", "say more", takes_value=False, choices=(), kind=ArgumentKind.path)
    given = [
        action for action in actions if not action.option_strings and not isinstance(action, argparse._SubParsersAction)
    ]
    words = [name for name, _, _ in inner]
    words += [str(choice) for action in given for choice in action.choices or ()]
    kinds = {_kind(word, action) for action in given if not action.choices}
    if word in (*COMPOSING, "resume"):
        kinds.add(ArgumentKind.override)
    return CommandWords(COMMANDS[word].summary, list(options.values()), words, frozenset(kinds))


def _option(word: str, name: str, action: argparse.Action) -> Option:
    choices = [str(choice) for choice in action.choices or ()]
    kind = _kind(word, action)
    return Option(name, action.help or "", takes_value=action.nargs != 0, choices=choices, kind=kind)


def _kind(word: str, action: argparse.Action) -> ArgumentKind:
    for kind, places in PLACES.items():
        if (word, action.dest) in places:
            return kind
    if action.dest in SWEEPS:
        return ArgumentKind.sweep
    return {"override": ArgumentKind.override, "keys": ArgumentKind.key}.get(action.dest, ArgumentKind.path)


def _groups() -> Iterator[OverrideWord]:
    for section in SECTIONS:
        told = introduction(section.kinds[ANY]) if ANY in section.kinds else f"which {section.path}"
        yield OverrideWord(section.group, first_sentence(told), group_options(section.group), is_path=False)
    for group, told in WIDE_GROUPS.items():
        more = LAUNCHERS if group == "hydra/launcher" else ()
        yield OverrideWord(group, first_sentence(told), [*more, *group_options(group)], is_path=False)


def _keys() -> Iterator[OverrideWord]:
    seen = set()
    yield OverrideWord("space.path", "a file that says what is searched", (), is_path=True)
    for fact in key_facts():
        if fact.key not in seen:
            seen.add(fact.key)
            values = [] if fact.form.startswith("list") else fact.values
            null = ["null"] if values and fact.form.endswith("or null") else []
            is_path = not values and IS_PATH.search(fact.key) is not None
            yield OverrideWord(fact.key, first_sentence(fact.text), [*values, *null], is_path)
