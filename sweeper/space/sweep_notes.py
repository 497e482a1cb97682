"""What a person should know of the dimensions of a sweep that can be run as it is."""

from omegaconf import DictConfig, OmegaConf

from slimtune.sweeper.space.dimension_told import DECIMALS
from slimtune.sweeper.space.sweep_syntax import SweepArguments

SPACE = "space."


def not_searched_notes(given: SweepArguments) -> list[str]:
    """Keys that have one value, and a space that was given as well."""
    lines = [line.partition("=")[0].lstrip("+") for line in given.fixed]
    of_space = [line.removeprefix(SPACE) for line in lines if line.startswith(SPACE)]
    twice = [key for key in sorted(given.fixed_keys) if any(f"{one}.".startswith(f"{key}.") for one in of_space)]
    return [
        f"{key} is set, so that it is not searched, though it has a space; leave one of them out (search.enqueue has "
        "the trials to begin with)"
        for key in dict.fromkeys([*twice, *given.not_searched])
    ]


def comma_notes(given: SweepArguments, config: DictConfig) -> list[str]:
    """Searches over 0 and another whole number, where they may have been meant as one number with a decimal comma.

    Args:
        given: What is searched.
        config: Whose values tell which keys have decimals.
    """
    notes = []
    for key, line in given.said.items():
        name, _, value = line.partition("=")
        if key in given.space and DECIMALS.fullmatch(value) and isinstance(OmegaConf.select(config, key), float):
            first, second = value.split(",")
            number = f"{name}={first}.{second}"
            notes.append(f"{line} is a search over two values, {first} and {second}; for one number write {number}")
    return notes
