"""All commands with what each can be given, as a page of the documentation."""

import argparse
from collections.abc import Iterator, Sequence
from importlib import import_module

from slimtune.sweeper.command_table import COMMANDS, COMPOSING, parser_of
from slimtune.sweeper.reference.key_page import cell, code

HEAD = """\
# Reference: commands

Written by `make reference` from the parsers of the commands: do not edit it. `slimtune --help` lists
them, `slimtune <command> --help` says the same as below, and
[completion](../install.md#completion-in-a-shell) offers it while you type.
Exit codes: 0 done, 2 bad input, 3 an alias that was not moved (`promote` and `rollback` alone), 1 a
fault of slimtune, 130 interrupted. A sweep that ended is 0, whatever the gate said of its version:
its alias tells.
"""


def command_page() -> str:
    """The page, in Markdown."""
    return "\n".join([HEAD, *("\n".join(_command(word)) for word in COMMANDS)])


def actions_of(parser: argparse.ArgumentParser) -> Sequence[argparse.Action]:
    """What a parser takes, but for help."""
    return [action for action in parser._actions if not isinstance(action, argparse._HelpAction)]


def inner_parsers(parser: argparse.ArgumentParser) -> Sequence[tuple[str, str, argparse.ArgumentParser]]:
    """The words that a command has commands of its own for: each with what it does, and its parser."""
    inner = next((one for one in parser._actions if isinstance(one, argparse._SubParsersAction)), None)
    if inner is None:
        return []
    told = {one.dest: one.help or "" for one in inner._choices_actions}
    return [(word, told.get(word, ""), found) for word, found in inner.choices.items()]


def _command(word: str) -> Iterator[str]:
    command, parser = COMMANDS[word], parser_of(word)
    yield f"## {word}"
    yield f"\n{command.summary[:1].upper()}{command.summary[1:]}.\n"
    if word in COMPOSING:
        yield from ("```", import_module(command.module).HELP.rstrip(), "```\n")
        yield "Every key is in [the reference of keys](keys.md).\n"
    if inner := inner_parsers(parser):
        for name, told, one in inner:
            yield f"### {word} {name}\n\n{told[:1].upper()}{told[1:]}.\n"
            yield from _table(f"{word} {name}", one)
    else:
        yield from _table(word, parser)
    if parser.epilog:
        yield f"{parser.epilog}\n"


def _table(word: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    actions = actions_of(parser)
    if word not in COMPOSING:
        yield from ("```", " ".join(["slimtune", word, *map(_used, actions)]), "```\n")
    if actions:
        yield from ("| argument | meaning |", "| -- | -- |")
        yield from (f"| {code(_named(action))} | {cell(_help(action))} |" for action in actions)
        yield ""


def _help(action: argparse.Action) -> str:
    choices = "" if action.choices is None else f": {', '.join(map(str, action.choices))}"
    return f"{action.help or ''}{choices if action.option_strings else ''}"


def _used(action: argparse.Action) -> str:
    if not action.option_strings:
        name = f"<{_value(action)}>"
        return {"*": f"[{name} ...]", "+": f"{name} ..."}.get(
            str(action.nargs), f"[{name}]" if action.nargs == "?" else name
        )
    # the first of its long names
    names = _named(action).split(", ")
    shown = next((name for name in names if name.startswith("--")), names[0])
    return shown if action.required else f"[{shown}]"


def _named(action: argparse.Action) -> str:
    if not action.option_strings:
        return _value(action)
    more = "" if action.nargs == 0 else f" {_value(action)}"
    many = " ..." if action.nargs in ("+", "*") else ""
    return ", ".join(f"{name}{more}{many}" for name in action.option_strings)


def _value(action: argparse.Action) -> str:
    if isinstance(action.metavar, str):
        return action.metavar
    return action.dest if not action.option_strings else action.dest.upper()
