"""Points that no other one is better than, and their order by the rule that picks one."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from slimtune.sweeper.goals.goals import Goals

# values of the objectives, turned so that less is better
Losses = tuple[float, ...]


class ObjectiveRange(NamedTuple):
    """The best and the worst value of an objective in a Pareto set, as losses."""

    best: float
    worst: float

    def share(self, loss: float) -> float:
        """0 at the best, 1 at the worst."""
        return (loss - self.best) / (self.worst - self.best) if self.worst > self.best else 0.0


def is_beaten(loss: Losses, other: Losses) -> bool:
    """Whether the other point is as good in all objectives, and better in one."""
    return other != loss and all(theirs <= ours for ours, theirs in zip(loss, other, strict=True))


def pareto_front(losses: Sequence[Losses]) -> list[int]:
    """Positions of the points that no other one beats; equal ones do not beat each other."""
    front: list[int] = []
    for place, loss in enumerate(losses):
        if not any(is_beaten(loss, losses[other]) for other in front):
            front = [other for other in front if not is_beaten(losses[other], loss)]
            front.append(place)
    return front


def spans_of(losses: Sequence[Losses]) -> list[ObjectiveRange]:
    """By objective."""
    return [ObjectiveRange(min(one), max(one)) for one in zip(*losses, strict=True)]


def preferred(losses: Sequence[Losses], goals: Goals, spans: Sequence[ObjectiveRange] | None = None) -> list[int]:
    """Positions of the points, the Pareto set first, each part in the order of `search.pick`.

    Args:
        losses: Of the points; ties keep their order.
        goals: With the rule.
        spans: What distances are measured by; None takes the Pareto set's own.
    """
    if not losses:
        return []
    front = pareto_front(losses)
    spans = spans or spans_of([losses[place] for place in front])
    rank = {place: (place not in front, *_key(losses[place], goals, spans), place) for place in range(len(losses))}
    return sorted(rank, key=lambda place: rank[place])


def anchors(losses: Sequence[Losses], goals: Goals) -> list[int]:
    """Positions of the points that the rule measures the others by: the best ones of what `within` names."""
    names = [one.name for one in goals.objectives]
    wanted = [names.index(name) for name in goals.pick.within] if losses else []
    return [min(range(len(losses)), key=lambda place: (losses[place][at], losses[place])) for at in wanted]


def _key(loss: Losses, goals: Goals, spans: Sequence[ObjectiveRange]) -> tuple[float, ...]:
    match goals.pick.rule:
        case "knee":
            return math.hypot(*(span.share(one) for span, one in zip(spans, loss, strict=True))), *loss
        case "within":
            names = [one.name for one in goals.objectives]
            beyond = [
                max(0.0, loss[names.index(name)] - spans[names.index(name)].best - tolerance)
                for name, tolerance in goals.pick.within.items()
            ]
            # rounding is no difference
            return round(sum(beyond), 12), loss[names.index(str(goals.pick.best))], *loss
        case _:
            return loss
