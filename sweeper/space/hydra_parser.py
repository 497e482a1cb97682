"""Hydra's parser of overrides, but what it shuffles comes out the same each time."""

import random
from collections.abc import Sequence
from typing import Any

from hydra._internal.grammar import grammar_functions
from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser, create_functions
from hydra.core.override_parser.types import Override


def parsed_overrides(arguments: Sequence[str], config_loader: ConfigLoader, *, seed: int = 0) -> list[Override]:
    """Overrides as given on the command line.

    Args:
        arguments: The overrides.
        config_loader: Knows the options of the config groups, for `glob`.
        seed: Of what is shuffled: workers and a resumed sweep read the same lines again.
    """
    functions = create_functions()

    def shuffle(*args: Any, **named: Any) -> Any:
        only = named.get("list", args[0] if len(args) == 1 else None)
        return shuffled(only, seed) if isinstance(only, list) else grammar_functions.shuffle(*args, **named)

    # its signature stays registered
    functions.functions["shuffle"] = shuffle
    return OverridesParser(functions, config_loader).parse_overrides(list(arguments))


def shuffled(values: Sequence[Any], seed: int) -> list[Any]:
    """In an order that depends on the values and the seed alone."""
    return random.Random(f"{seed}/{list(values)}").sample(list(values), len(values))
