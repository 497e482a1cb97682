"""`slimtune rollback`: an alias, given back to the version that had it before."""

import argparse
import shlex
from collections.abc import Sequence

from slimtune.export.commands.command_parser import CommandParser
from slimtune.export.commands.history import NAME_HELP, models_told
from slimtune.export.commands.terminal_text import print_safely, print_sentence, tell
from slimtune.export.registry.model_uri import CHAMPION, store_of, told_before, version_uri
from slimtune.export.registry.serve_commands import KEEPS_SERVING
from slimtune.training.config.trust import TRUST_HELP
from slimtune.training.errors import ModelError, NotPromoted
from slimtune.training.tracking.uri import without_password
from slimtune.training.usual_places import USUAL_STORE

FORWARD = "forward again"


def run(arguments: Sequence[str]) -> int:
    """Give an alias back.

    Raises:
        ModelError: There is no such registered model.
        NotPromoted: No version had the alias before and is still whole.
    """
    options = command_parser().parse_args(arguments)
    uri = store_of(options.tracking_uri)
    from slimtune.export.promotion.rollback import roll_back
    from slimtune.export.registry.aliases import history_of, rolled_back_from
    from slimtune.export.registry.mlflow_registry import alias_version
    from slimtune.export.registry.registered_name import named_model

    name, named_alias = named_model(uri, options.name, trust=options.trust)
    if options.alias is not None and named_alias not in (None, options.alias):
        raise ModelError(f"--alias is '{options.alias}', and {options.name} names '{named_alias}'; leave --alias out")
    alias = options.alias or named_alias or CHAMPION
    try:
        done = roll_back(uri, name, alias, is_dry=options.dry_run, trust=options.trust)
    except NotPromoted as error:
        last = rolled_back_from(history_of(uri, name), alias, alias_version(uri, name, alias))
        if last is None:
            raise
        raise NotPromoted(f"{error}; {FORWARD}: {_forward(uri, name, last, alias, options)}") from error
    for why in done.passed_over:
        tell(f"passed over: {why}")
    was = told_before(done.before, done.version.version)
    would = "would be" if options.dry_run else "is now"
    print_sentence(f"{done.version.uri} {would} {alias} of {name} again{was}")
    if done.before and not options.dry_run:
        print_safely(f"and {FORWARD}: {_forward(uri, name, done.before, alias, options)}")
        print_sentence(KEEPS_SERVING.format(version=done.before))
    return 0


def _forward(uri: str, name: str, version: str, alias: str, options: argparse.Namespace) -> str:
    """The command that gives a version the alias that was rolled back from it."""
    from slimtune.export.promotion.rollback import overrides_forward
    from slimtune.export.registry.mlflow_registry import RegisteredVersion

    given = [] if alias == CHAMPION else ["--alias", alias]
    store = ["--tracking-uri", without_password(options.tracking_uri)] if options.tracking_uri else []
    trust = ["--trust"] * options.trust
    overrides = overrides_forward(uri, RegisteredVersion(name, version), alias, trust=options.trust)
    return shlex.join(["slimtune", "promote", version_uri(name, version), *given, *store, *trust, *overrides])


def command_parser() -> argparse.ArgumentParser:
    """What can be given on the command line."""
    parser = CommandParser(prog="slimtune rollback", description=__doc__)
    parser.add_argument("name", help=NAME_HELP)
    parser.there = models_told
    parser.add_argument("--alias", help="the alias to give back (default: champion)")
    parser.add_argument("--dry-run", action="store_true", help="say who would get it, and move nothing")
    parser.add_argument("--tracking-uri", help=f"MLflow store ({USUAL_STORE})")
    parser.add_argument("--trust", action="store_true", help=TRUST_HELP)
    return parser
