"""`slimtune rollback`: an alias, given back to the version that had it before."""

import argparse
from collections.abc import Sequence

from slimtune.export.commands.command_parser import CommandParser
from slimtune.export.commands.terminal_text import print_safely, tell
from slimtune.export.registry.model_uri import store_of
from slimtune.training.config.trust import TRUST_HELP
from slimtune.training.usual_places import USUAL_STORE


def run(arguments: Sequence[str]) -> int:
    """Give an alias back.

    Raises:
        ModelError: There is no such registered model.
        NotPromoted: No version had the alias before and is still whole.
    """
    options = command_parser().parse_args(arguments)
    uri = store_of(options.tracking_uri)
    from slimtune.export.promotion.rollback import roll_back

    done = roll_back(uri, options.name, options.alias, is_dry=options.dry_run, trust=options.trust)
    for why in done.passed_over:
        tell(f"passed over: {why}")
    was = f" (was version {done.before})" if done.before else ""
    would = "would be" if options.dry_run else "is now"
    print_safely(f"{done.version.uri} {would} {options.alias} of {options.name} again{was}")
    return 0


def command_parser() -> argparse.ArgumentParser:
    """What can be given on the command line."""
    parser = CommandParser(prog="slimtune rollback", description=__doc__)
    parser.add_argument("name", help="of the registered model")
    parser.add_argument("--alias", default="champion", help="the alias to give back (default: champion)")
    parser.add_argument("--dry-run", action="store_true", help="say who would get it, and move nothing")
    parser.add_argument("--tracking-uri", help=f"MLflow store ({USUAL_STORE})")
    parser.add_argument("--trust", action="store_true", help=TRUST_HELP)
    return parser
