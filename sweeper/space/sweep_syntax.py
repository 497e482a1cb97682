"""Dimensions from Hydra's sweep syntax on the command line: choice, range, interval, tag, glob, `a=1,2,3`."""

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import (
    IntervalSweep,
    Override,
    QuotedString,
    RangeSweep,
    Transformer,
)

from slimtune.sweeper.space.dimension import Dimension, FloatRange, IntRange, Space, choice_of, range_problem
from slimtune.sweeper.space.override_text import override_value
from slimtune.training.errors import ConfigError

# more than these are no list that a person has written
MAX_VALUES = 10_000


class SweepArguments(NamedTuple):
    """The overrides of a sweep, parted.

    Attributes:
        fixed: Overrides that hold for every trial, as given.
        fixed_keys: Their keys.
        space: What is swept over.
        added: Keys with a `+`, which the config need not have.
    """

    fixed: list[str]
    fixed_keys: set[str]
    space: Space
    added: set[str]


def read_arguments(arguments: Sequence[str], config_loader: ConfigLoader) -> SweepArguments:
    """Part plain overrides from sweeps.

    Args:
        arguments: Overrides as given on the command line.
        config_loader: Knows the options of the config groups, for `glob`.

    Raises:
        ConfigError: A sweep cannot be a dimension.
    """
    fixed: list[str] = []
    fixed_keys, added = set(), set()
    space: Space = {}
    for item in OverridesParser.create(config_loader=config_loader).parse_overrides(list(arguments)):
        key = item.key_or_group
        if item.is_sweep_override():
            space[key] = _checked(item, _read(item))
        else:
            fixed.append(str(item.input_line))
            fixed_keys.add(key)
        if item.is_add() or item.is_force_add():
            added.add(key)
    return SweepArguments(fixed, fixed_keys, space, added)


def first_options(arguments: Sequence[str], config_loader: ConfigLoader) -> list[str]:
    """The overrides, but of a config group that is swept its first option."""
    lines = []
    for item in OverridesParser.create(config_loader=config_loader).parse_overrides(list(arguments)):
        is_group = item.is_sweep_override() and config_loader.get_group_options(item.key_or_group)
        first = next(item.sweep_string_iterator(), None) if is_group and not item.is_interval_sweep() else None
        lines.append(f"{item.get_key_element()}={first}" if first is not None else str(item.input_line))
    return lines


def plain_keys(arguments: Sequence[str], config_loader: ConfigLoader) -> dict[str, str]:
    """The keys of overrides that set or sweep a value that the config must have; by override."""
    parsed = OverridesParser.create(config_loader=config_loader).parse_overrides(list(arguments))
    return {
        str(item.input_line): item.key_or_group
        for item in parsed
        if not (item.is_add() or item.is_force_add() or item.key_or_group.startswith("hydra"))
        and not config_loader.get_group_options(item.key_or_group)
    }


def _checked(override: Override, dimension: Dimension) -> Dimension:
    if isinstance(dimension, FloatRange | IntRange):
        problem = range_problem(dimension.low, dimension.high, log=dimension.log, step=None)
        if problem:
            raise ConfigError([f"{override.input_line}: the range's {problem.removeprefix('.')}"])
    return dimension


def _read(override: Override) -> Dimension:
    try:
        return _dimension(override)
    except (ArithmeticError, TypeError, ValueError) as error:
        # Hydra's own iterators raise whatever comes of such numbers
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise ConfigError([f"{override.input_line} has no values that can be listed ({reason})"]) from error


def _dimension(override: Override) -> Dimension:
    sweep: Any = override.value()
    match sweep:
        case IntervalSweep():
            return _interval(sweep, log="log" in sweep.tags)
        case RangeSweep() if _is_whole(sweep):
            return _whole_range(override, sweep, log="log" in sweep.tags)
        case _:
            found = override.sweep_iterator(transformer=Transformer.identity)
            values = [_plain(value) for value in itertools.islice(found, MAX_VALUES + 1)]
            if not values:
                raise ConfigError([f"{override.input_line} has no value; name at least one"])
            if len(values) > MAX_VALUES:
                raise ConfigError([f"{override.input_line} has more than {MAX_VALUES} values; use interval(low,high)"])
            return choice_of(values)


def _interval(sweep: IntervalSweep, *, log: bool) -> Dimension:
    low, high = sweep.start, sweep.end
    assert low is not None
    assert high is not None
    whole = isinstance(low, int) and isinstance(high, int)
    return IntRange(int(low), int(high), log) if whole else FloatRange(float(low), float(high), log)


def _is_whole(sweep: RangeSweep) -> bool:
    return isinstance(sweep.start, int) and isinstance(sweep.stop, int) and isinstance(sweep.step, int)


def _whole_range(override: Override, sweep: RangeSweep, *, log: bool) -> Dimension:
    assert sweep.start is not None
    assert sweep.stop is not None
    step = int(sweep.step)
    if step == 0:
        raise ConfigError([f"{override.input_line}: the range's step is 0; use a whole number above 0"])
    # the stop is excluded, as in Hydra's own sweeper
    values = range(int(sweep.start), int(sweep.stop), step)
    if not values:
        raise ConfigError([f"{override.input_line} has no value; the stop of a range is excluded"])
    if log and step != 1:
        raise ConfigError([f"{override.input_line}: a log range has no step; remove the step or the tag"])
    low, high = sorted((values[0], values[-1]))
    return IntRange(low, high, log, 1 if log else abs(step))


def _plain(value: Any) -> Any:
    if isinstance(value, QuotedString):
        return value.text
    return value if isinstance(value, str | int | float | bool | None) else override_value(value)
