"""What a sweep varies: dimensions of all trials, and those of trials that have one option of a config group."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from slimtune.sweeper.space.dimension import Choice, Dimension, Scalar, Space, num_values, value_id, values_of

# parts a key from the options that it is a dimension under; no key of a config has a blank
UNDER = " if "


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """What trials have of their own that chose these options.

    Attributes:
        choices: The options, by group.
        space: Their dimensions beyond those of all trials.
        fixed: Overrides that hold for them: those that their options have a key for.
    """

    choices: Mapping[str, Scalar]
    space: Space
    fixed: Sequence[str]

    @property
    def label(self) -> str:
        """The options, as they are given on the command line."""
        return " ".join(f"{group}={option}" for group, option in self.choices.items())


class Step(NamedTuple):
    """One value to be chosen.

    Attributes:
        name: Of the parameter: the key, and the options that it is a dimension under where others have another.
        key: The config's.
        dimension: What it may be.
    """

    name: str
    key: str
    dimension: Dimension


@dataclass(frozen=True, slots=True)
class SearchSpace:
    """A space, conditional by config groups where it has branches.

    Attributes:
        common: Dimensions of all trials, the groups that are searched first.
        branches: One for each choice of the groups that decide on dimensions.
        is_open: Whether a function of the user's own adds parameters that nobody else knows of.
    """

    common: Space = field(default_factory=dict)
    branches: Sequence[Branch] = ()
    is_open: bool = False

    def branch_of(self, params: Mapping[str, Scalar]) -> Branch | None:
        """The branch that these values lie in."""
        for branch in self.branches:
            if all(group in params and params[group] == option for group, option in branch.choices.items()):
                return branch
        return None

    def steps(self, params: Mapping[str, Scalar]) -> Iterator[Step]:
        """Everything that a trial chooses, in order; `params` is looked at again while it is filled."""
        yield from (Step(key, key, dimension) for key, dimension in self.common.items())
        branch = self.branch_of(params)
        if branch is not None:
            for key, dimension in branch.space.items():
                yield Step(self._name(key, branch), key, dimension)

    def _name(self, key: str, branch: Branch) -> str:
        others = [other.space[key] for other in self.branches if key in other.space]
        return key if all(other == branch.space[key] for other in others) else f"{key}{UNDER}{branch.label}"

    def every_step(self) -> list[Step]:
        """All that any trial may choose, each name once."""
        found = {step.name: step for branch in self.branches for step in self.steps(branch.choices)}
        return list((found or {step.name: step for step in self.steps({})}).values())

    def searched_keys(self) -> list[str]:
        """All keys that are searched, whatever the trial."""
        return list(dict.fromkeys(step.key for step in self.every_step()))

    def log_scaled_keys(self) -> list[str]:
        """Those that are sampled evenly in the logarithm of their value."""
        scaled = [step.key for step in self.every_step() if getattr(step.dimension, "log", False)]
        return list(dict.fromkeys(scaled))

    def described(self) -> dict[str, Dimension]:
        """Dimensions by `space.<key>`; those of one branch with its options, in signs that MLflow takes in a name."""
        found = {f"space.{key}": dimension for key, dimension in self.common.items()}
        for branch in self.branches:
            label = branch.label.replace("=", ":")
            found |= {f"space.{key} {label}": dimension for key, dimension in branch.space.items()}
        return found

    def named(self, params: Mapping[str, Scalar]) -> dict[str, Scalar]:
        """Values by the names of the parameters."""
        found = {step.name: (step.key, params[step.key]) for step in self.steps(params) if step.key in params}
        named = {name: value for name, (_, value) in found.items()}
        if self.is_open:
            known = {key for key, _ in found.values()}
            named |= {key: value for key, value in params.items() if key not in known}
        return named

    def is_whole(self, params: Mapping[str, Scalar]) -> bool:
        """Whether nothing is left to choose."""
        return all(step.key in params for step in self.steps(params))

    def num_points(self) -> int | None:
        """How many different trials there are; None if they cannot be counted."""
        if self.is_open:
            return None
        counts = [num_points_of(part) for part in self.parts()]
        return sum(count or 0 for count in counts) if None not in counts else None

    def parts(self) -> list[Space]:
        """The space of each branch as a plain one, its options as choices among one."""
        if not self.branches:
            return [self.common]
        return [self.common | _only(branch.choices) | branch.space for branch in self.branches]


def _only(choices: Mapping[str, Scalar]) -> Space:
    return {group: Choice((option,)) for group, option in choices.items()}


def num_points_of(space: Space) -> int | None:
    """How many points a plain space has; None if they cannot be counted."""
    counts = [num_values(dimension) for dimension in space.values()]
    return math.prod(count for count in counts if count is not None) if None not in counts else None


def points_of(space: Space) -> Iterator[dict[str, Scalar]]:
    """Every point of a finite space, one after the other."""
    if not space:
        yield {}
        return
    *before, last = space
    for point in points_of({key: space[key] for key in before}):
        for value in values_of(space[last]):
            yield {**point, last: value}


def plain_key(name: str) -> str:
    """The config's key of a parameter."""
    return name.partition(UNDER)[0]


def point_id(params: Mapping[str, Scalar]) -> tuple[tuple[str, str], ...]:
    """What two trials with the same values have in common."""
    return tuple(sorted((key, value_id(value)) for key, value in params.items()))
