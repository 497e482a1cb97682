"""`slimtune history`: who had which alias of a registered model, and when."""

import argparse
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from slimtune.export.commands.command_parser import CommandParser
from slimtune.export.commands.terminal_text import print_below, print_sentence
from slimtune.export.registry.model_uri import store_of
from slimtune.training.errors import UserError
from slimtune.training.listed_names import with_commas
from slimtune.training.usual_places import USUAL_STORE

if TYPE_CHECKING:
    from slimtune.export.registry.aliases import AliasMove

NAME_HELP = "of the registered model, also as models:/<name>@<alias>, or the sweep that was registered"
COLUMNS = ("at (UTC)", "alias", "version", "before", "why")


def run(arguments: Sequence[str]) -> int:
    """Print the moves of a model's aliases, the newest last.

    Raises:
        ModelError: There is no such registered model.
    """
    options = command_parser().parse_args(arguments)
    uri = store_of(options.tracking_uri)
    from slimtune.export.registry.aliases import history_of
    from slimtune.export.registry.registered_name import named_model

    name, named_alias = named_model(uri, options.name)
    alias = options.alias or named_alias
    moves = [move for move in history_of(uri, name) if alias in (None, move.alias)]
    if options.json:
        print(json.dumps([move._asdict() for move in moves], indent=1))
    elif not moves:
        print_sentence(f"no alias of {name} was ever moved")
    else:
        _print_table(moves)
    return 0


def _print_table(moves: Sequence["AliasMove"]) -> None:
    rows = [COLUMNS, *(_row(move) for move in moves)]
    *firsts, _ = range(len(COLUMNS))
    widths = [max(len(row[at]) for row in rows) for at in firsts]
    for *cells, why in rows:
        print_below("".join(f"{cell.ljust(width)}  " for cell, width in zip(cells, widths, strict=True)), why)


def _row(move: "AliasMove") -> tuple[str, ...]:
    at = datetime.fromtimestamp(move.at, UTC).strftime("%Y-%m-%d %H:%M")
    return at, move.alias, move.version or "-", move.before or "-", move.why


def models_told(words: Sequence[str]) -> str:
    """Names the models of the store that the words name, or of the usual one."""
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    parser.add_argument("--tracking-uri")
    from slimtune.export.registry.mlflow_registry import names_from

    try:
        names = names_from(store_of(_store_named(parser, words)), "")
    except UserError as error:
        # what is asked for is a name, which may be known elsewhere
        return str(error)
    return f"registered models: {with_commas(names)}" if names else "no model is registered"


def _store_named(parser: argparse.ArgumentParser, words: Sequence[str]) -> str | None:
    try:
        found: str | None = parser.parse_known_args(words)[0].tracking_uri
    except argparse.ArgumentError:
        # an option without its value, which argparse tells itself
        return None
    return found


def command_parser() -> argparse.ArgumentParser:
    """What can be given on the command line."""
    parser = CommandParser(prog="slimtune history", description=__doc__)
    parser.add_argument("name", help=NAME_HELP)
    parser.there = models_told
    parser.add_argument("--alias", help="moves of this one alone")
    parser.add_argument("--json", action="store_true", help="a list of objects, for scripts")
    parser.add_argument("--tracking-uri", help=f"MLflow store ({USUAL_STORE})")
    return parser
