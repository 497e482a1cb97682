"""Objectives, constraints and the rule that picks one of the best trials."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

# what every trial has a number of, beside its scores; less is better
LATENCY, SIZE, TRAINED, SECONDS = "latency_ms", "size_mb", "trained_parameters", "seconds"
# known before a trial is trained
MODEL_COSTS = (LATENCY, SIZE, TRAINED)
COSTS = (*MODEL_COSTS, SECONDS)

# user attribute of a study: its goals as plain values
ATTR = "goals"
# what the one number is called that a task function returns
UNNAMED = "objective"
# why no trial is stopped before its end
PRUNING_OFF = "trials are compared while they are trained by one objective that they report, and there is none"


class Objective(NamedTuple):
    """One thing that is made best."""

    name: str
    maximize: bool

    def loss(self, value: float) -> float:
        """The value, turned so that less is better."""
        return -value if self.maximize else value

    @property
    def told(self) -> str:
        """For people."""
        return f"{self.name} ({'maximize' if self.maximize else 'minimize'})"


class Constraint(NamedTuple):
    """Bounds of a number that every trial has; None is no bound."""

    name: str
    least: float | None
    most: float | None

    def excess(self, value: float) -> float:
        """How far a value is beyond a bound, as a share of that bound; within the bounds it is 0 or less."""
        beyond = []
        if self.least is not None:
            beyond.append((self.least - value) / (abs(self.least) or 1.0))
        if self.most is not None:
            beyond.append((value - self.most) / (abs(self.most) or 1.0))
        return max(beyond)

    def told(self, value: float) -> str:
        """What is said of a value beyond a bound."""
        if self.most is not None and value > self.most:
            return f"{self.name} is {value:z.4g}, above search.constraints.{self.name}.max ({self.most:g})"
        return f"{self.name} is {value:z.4g}, below search.constraints.{self.name}.min ({self.least:g})"


class Pick(NamedTuple):
    """Which trial of the Pareto set wins.

    Attributes:
        rule: `first`: the best one of the first objective; `knee`: the one nearest to the best of all objectives;
            `within`: the best one of `best` among those that are near the best of others.
        best: An objective.
        within: How far a trial may be from the best one, by objective.
    """

    rule: str = "first"
    best: str | None = None
    within: Mapping[str, float] = {}


class Goals(NamedTuple):
    """What a search goes by.

    Attributes:
        objectives: What is made best; at least one.
        constraints: What a trial must keep to be taken.
        pick: Which of several best trials is exported.
        targets: Values by objective; a trial that has reached all of them ends the search.
    """

    objectives: tuple[Objective, ...] = (Objective(UNNAMED, maximize=True),)
    constraints: tuple[Constraint, ...] = ()
    pick: Pick = Pick()
    targets: Mapping[str, float] = {}

    @property
    def several(self) -> bool:
        """Whether there is more than one objective."""
        return len(self.objectives) > 1

    @property
    def is_named(self) -> bool:
        """Whether the config names what it goes by."""
        return bool(self.constraints) or any(not one.name.startswith(UNNAMED) for one in self.objectives)

    def called(self, name: str) -> "Goals":
        """With a name for the one objective that has none."""
        objectives = tuple(one._replace(name=name) if one.name == UNNAMED else one for one in self.objectives)
        return self._replace(objectives=objectives)

    @property
    def can_prune(self) -> bool:
        """Whether a trial tells the one thing that is made best while it is trained."""
        return not self.several and all(one.name not in COSTS for one in self.objectives)

    @property
    def names(self) -> list[str]:
        """Of all numbers that decide, objectives first."""
        return list(dict.fromkeys([*(one.name for one in self.objectives), *(one.name for one in self.constraints)]))

    @property
    def shown(self) -> list[str]:
        """The same where people look at trials by them; empty where the score alone decides."""
        return self.names if self.several or self.constraints else []

    def losses(self, values: Sequence[float]) -> tuple[float, ...]:
        """The values of the objectives, turned so that less is better."""
        return tuple(one.loss(value) for one, value in zip(self.objectives, values, strict=True))

    def excess(self, measured: Mapping[str, float]) -> dict[str, float]:
        """By constraint, how far what was measured is beyond its bounds; what was not measured is left out."""
        return {one.name: one.excess(measured[one.name]) for one in self.constraints if one.name in measured}

    def broken(self, measured: Mapping[str, float]) -> list[str]:
        """What is said of the constraints that are broken."""
        known = [one for one in self.constraints if one.name in measured]
        return [one.told(measured[one.name]) for one in known if one.excess(measured[one.name]) > 0]

    def described(self) -> dict[str, Any]:
        """What the values of trials depend on, as a study keeps it."""
        directions = [[one.name, "maximize" if one.maximize else "minimize"] for one in self.objectives]
        return {"objectives": directions, "constraints": [[*one] for one in self.constraints]}


def read_goals(described: Mapping[str, Any]) -> Goals:
    """The goals of a study, from what `Goals.described` gave."""
    objectives = tuple(Objective(name, way == "maximize") for name, way in described["objectives"])
    constraints = tuple(Constraint(*one) for one in described["constraints"])
    return Goals(objectives, constraints)


def goals_of(maximize: Sequence[bool]) -> Goals:
    """Objectives that have no names."""
    names = [UNNAMED, *(f"{UNNAMED}_{number + 2}" for number in range(len(maximize) - 1))]
    return Goals(tuple(Objective(name, way) for name, way in zip(names, maximize, strict=False)))
