"""Dimensions from Hydra's sweep syntax on the command line: choice, range, interval, tag, glob, `a=1,2,3`."""

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.types import (
    IntervalSweep,
    Override,
    QuotedString,
    RangeSweep,
    Transformer,
)

from slimtune.sweeper.space.dimension import (
    Choice,
    Dimension,
    FloatRange,
    IntRange,
    Scalar,
    Space,
    choice_of,
    range_problem,
)
from slimtune.sweeper.space.hydra_parser import parsed_overrides, shuffled
from slimtune.sweeper.space.override_text import choice_value, options_of, override_value
from slimtune.training.config.schema import option_suggestion
from slimtune.training.errors import ConfigError

# more than these are no list that a person has written
MAX_VALUES = 10_000


LOG = "log"


class SweepArguments(NamedTuple):
    """The overrides of a sweep, parted.

    Attributes:
        fixed: Overrides that hold for every trial, as given; a list that is shuffled, as it was drawn.
        fixed_keys: Their keys, those of deletions among them.
        space: What is swept over.
        added: Keys with a `+`, which the config need not have.
        drawn: Whether a list was shuffled, so that the config as Hydra has composed it has another order.
        said: Each dimension as it was written, by its key.
        problems: Why others can be none; their keys are among `fixed_keys`.
        not_searched: Keys that have a space of the user's own and one value beside it, which holds.
    """

    fixed: list[str]
    fixed_keys: set[str]
    space: Space
    added: set[str]
    drawn: bool = False
    said: Mapping[str, str] = {}
    problems: Sequence[str] = ()
    not_searched: Sequence[str] = ()


def read_arguments(arguments: Sequence[str], config_loader: ConfigLoader, *, seed: int = 0) -> SweepArguments:
    """Part plain overrides from sweeps; of two for one key the later one holds.

    Args:
        arguments: Overrides as given on the command line.
        config_loader: Knows the options of the config groups, for `glob`.
        seed: Of what is shuffled.

    Raises:
        ConfigError: Sweeps that cannot be dimensions, all of them.
    """
    given = part_arguments(arguments, config_loader, seed=seed)
    if given.problems:
        raise ConfigError(given.problems)
    return given


def part_arguments(arguments: Sequence[str], config_loader: ConfigLoader, *, seed: int = 0) -> SweepArguments:
    """As `read_arguments`, which raises the problems."""
    fixed: list[tuple[str, str]] = []
    added, drawn = set(), False
    space: Space = {}
    said: dict[str, str] = {}
    broken: dict[str, Sequence[str]] = {}
    for item in parsed_overrides(arguments, config_loader, seed=seed):
        key = _key_of(item, config_loader)
        space.pop(key, None)
        broken.pop(key, None)
        if not (item.is_add() or item.is_delete()):
            fixed = [(other, line) for other, line in fixed if other != key or line.startswith("~")]
        if item.is_sweep_override():
            said[key] = str(item.input_line)
            try:
                space[key] = _checked(item, _read(item, seed))
            except ConfigError as error:
                broken[key] = error.problems
        else:
            is_drawn = isinstance(item.value(), list | dict) and "shuffle(" in _without_quotes(item)
            fixed.append((key, _drawn_line(item) if is_drawn else str(item.input_line)))
            drawn |= is_drawn
        if item.is_add() or item.is_force_add():
            added.add(key)
    problems = [problem for told in broken.values() for problem in told]
    fixed_keys = {key for key, _ in fixed} | broken.keys()
    return SweepArguments([line for _, line in fixed], fixed_keys, space, added, drawn, said, problems)


def with_options(given: SweepArguments, config_loader: ConfigLoader) -> SweepArguments:
    """Without options that their config groups do not have, which are problems."""
    space, problems, broken = dict(given.space), [*given.problems], set[str]()
    for group, dimension in given.space.items():
        known = options_of(config_loader, group)
        if not (known and isinstance(dimension, Choice)):
            continue
        # a list of options stands as its text
        wrong = [one for one in dimension.values if str(one)[:1] != "[" and str(one) not in known]
        problems += [f"{group}={one} is not an option; {option_suggestion(str(one), known)}" for one in wrong]
        space[group] = Choice(tuple(one for one in dimension.values if one not in wrong))
        broken |= {group} if len(wrong) == len(dimension.values) else set()
    kept = {key: one for key, one in space.items() if key not in broken}
    return given._replace(space=kept, fixed_keys=given.fixed_keys | broken, problems=problems)


def _key_of(item: Override, config_loader: ConfigLoader) -> str:
    """The key, with its package; an option that is added to the defaults keeps its `+`."""
    key = item.get_key_element().lstrip("+~")
    return f"+{key}" if item.is_add() and options_of(config_loader, key) else key


def _drawn_line(item: Override) -> str:
    return f"{item.get_key_element()}={override_value(item.value())}"


def first_options(arguments: Sequence[str], config_loader: ConfigLoader) -> list[str]:
    """The overrides, but of a config group that is swept its first option."""
    lines = []
    for item in parsed_overrides(arguments, config_loader):
        is_group = item.is_sweep_override() and options_of(config_loader, item.key_or_group)
        first = next(_in_order(item).sweep_string_iterator(), None) if is_group and item.is_discrete_sweep() else None
        lines.append(f"{item.get_key_element()}={first}" if first is not None else str(item.input_line))
    return lines


def plain_keys(arguments: Sequence[str], config_loader: ConfigLoader) -> dict[str, str]:
    """The keys of overrides that set or sweep a value that the config must have; by override."""
    return {
        str(item.input_line): item.key_or_group
        for item in parsed_overrides(arguments, config_loader)
        if not (item.is_add() or item.is_force_add() or item.key_or_group.startswith("hydra"))
        and not options_of(config_loader, item.key_or_group)
    }


def _checked(override: Override, dimension: Dimension) -> Dimension:
    if isinstance(dimension, FloatRange | IntRange):
        low, high = (int(end) if float(end).is_integer() else end for end in (dimension.low, dimension.high))
        problem = range_problem(low, high, log=dimension.log, step=None)
        if problem:
            raise ConfigError([f"{override.input_line}: the range's {problem.removeprefix('.')}"])
    return dimension


def _in_order(item: Override) -> Override:
    """Not shuffled."""
    sweep: Any = item.value()
    if getattr(sweep, "shuffle", False):
        sweep.shuffle = False
    return item


def _read(override: Override, seed: int) -> Dimension:
    sweep: Any = override.value()
    is_shuffled = getattr(sweep, "shuffle", False)
    if problem := _function_problem(override, sweep):
        raise ConfigError([f"{override.input_line}: {problem}"])
    dimension = _told(_in_order(override), as_list=is_shuffled)
    if is_shuffled and isinstance(dimension, Choice):
        return Choice(tuple(shuffled(dimension.values, seed)))
    return dimension


def _function_problem(override: Override, sweep: Any) -> str | None:
    """What Hydra's functions mean nothing by here, or what one of them has lost of another."""
    tags: set[str] = getattr(sweep, "tags", set())
    if unknown := sorted(tags - {LOG}):
        return f"{unknown[0]!r} is no tag that is known; the one tag is {LOG}: tag(log,interval(1e-5,1e-3))"
    if tags and not (isinstance(sweep, IntervalSweep) or (isinstance(sweep, RangeSweep) and _is_whole(sweep))):
        return f"the tag {LOG} is for intervals and for ranges of whole numbers; use tag(log,interval(low,high))"
    if tags and getattr(sweep, "shuffle", False):
        return f"what is shuffled is a list, and has no tag {LOG}; remove one of them"
    text = _without_quotes(override)
    # Hydra's casts and `sort` make a new sweep, without them
    if "tag(" in text and not tags:
        return "the tag is lost within a cast; write it outermost: tag(log,int(interval(1,64)))"
    if "shuffle(" in text and not getattr(sweep, "shuffle", False):
        return "the shuffling is lost within a cast; write it outermost: shuffle(int(range(1,9)))"
    return None


def _without_quotes(override: Override) -> str:
    line = str(override.input_line).partition("=")[2]
    return re.sub(r"""'(\\.|[^'\\])*'|"(\\.|[^"\\])*\"""", "''", line)


def _told(override: Override, *, as_list: bool) -> Dimension:
    try:
        return _listed(override) if as_list else _dimension(override)
    except (ArithmeticError, TypeError, ValueError) as error:
        # Hydra's own iterators raise whatever comes of such numbers
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise ConfigError([f"{override.input_line} has no values that can be listed ({reason})"]) from error


def _dimension(override: Override) -> Dimension:
    sweep: Any = override.value()
    match sweep:
        case IntervalSweep():
            return _interval(sweep, log=LOG in sweep.tags)
        case RangeSweep() if _is_whole(sweep):
            return _whole_range(override, sweep, log=LOG in sweep.tags)
        case _:
            return _listed(override)


def _listed(override: Override) -> Choice:
    """Every value by itself."""
    found = override.sweep_iterator(transformer=Transformer.identity)
    values = [_plain(value) for value in itertools.islice(found, MAX_VALUES + 1)]
    if not values:
        sweep: Any = override.value()
        raise ConfigError([f"{override.input_line} has no value{_why_empty(sweep)}"])
    if len(values) == 1 and (text := _why_one(override.value(), values[0])):
        raise ConfigError([f"{override.input_line} has one value, {values[0]}{text}"])
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
        raise ConfigError([f"{override.input_line} has no value{_why_empty(sweep)}"])
    if log and step != 1:
        raise ConfigError([f"{override.input_line}: a log range has no step; remove the step or the tag"])
    if len(values) == 1 and abs(step) > 1:
        raise ConfigError([f"{override.input_line} has one value, {values[0]}{_why_one(sweep, values[0])}"])
    low, high = sorted((values[0], values[-1]))
    return IntRange(low, high, log, 1 if log else abs(step))


def _why_empty(sweep: Any) -> str:
    """Why a sweep has no value, and what would have one."""
    if not isinstance(sweep, RangeSweep) or sweep.start is None or sweep.stop is None:
        return "; name at least one"
    start, stop, step = sweep.start, sweep.stop, sweep.step
    if start == stop:
        return f": the stop of a range is excluded; for {start} alone give that value"
    way, side = ("up", "below") if step > 0 else ("down", "above")
    by = "" if step == 1 else f",{step}"
    back = f"range({start},{stop},{-step})"
    return (
        f": it counts {way} from {start}, and its stop {stop} is {side} that; use range({stop},{start}{by}), or {back} "
        "to count the other way"
    )


def _why_one(sweep: Any, value: Scalar) -> str | None:
    """Why a range ends at once, and what may be meant by it; None for what was written as one value."""
    if not isinstance(sweep, RangeSweep):
        return None
    return (
        f": its step is {sweep.step}, which is past its stop; use interval({sweep.start},{sweep.stop}) for all numbers "
        f"between, a smaller step, or {value} alone"
    )


def _plain(value: Any) -> Scalar:
    return choice_value(_without_marks(value))


def _without_marks(value: Any) -> Any:
    """What Hydra has parsed, its quoted texts as texts at every depth, as Hydra does for what is not swept."""
    match value:
        case QuotedString():
            return value.text
        case list():
            return [_without_marks(one) for one in value]
        case dict():
            return {_without_marks(key): _without_marks(one) for key, one in value.items()}
        case _:
            return value
