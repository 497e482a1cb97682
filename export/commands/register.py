"""`slimtune register`: a model as a version of the registry, without an alias."""

import argparse
from collections.abc import Sequence

from slimtune.export.commands.command_parser import CommandParser
from slimtune.export.commands.promote import SOURCE_HELP, candidate_of
from slimtune.export.commands.terminal_text import print_sentence
from slimtune.training.config.trust import TRUST_HELP
from slimtune.training.usual_places import USUAL_STORE


def run(arguments: Sequence[str]) -> int:
    """Register a sweep's bundle, a bundle's folder, one for onnxruntime-genai, or a folder of adapters.

    Raises:
        UserError: The model or the store cannot be used.
    """
    options = command_parser().parse_args(arguments)
    candidate, _ = candidate_of(options)
    print_sentence(f"{candidate.uri} is registered")
    return 0


def command_parser() -> argparse.ArgumentParser:
    """What can be given on the command line."""
    parser = CommandParser(prog="slimtune register", description=__doc__)
    parser.add_argument("source", help=SOURCE_HELP)
    parser.add_argument("--name", help="of the registered model")
    parser.add_argument("--tracking-uri", help=f"MLflow store ({USUAL_STORE})")
    parser.add_argument("--trust", action="store_true", help=TRUST_HELP)
    return parser
