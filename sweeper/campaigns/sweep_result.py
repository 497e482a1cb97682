"""What a whole sweep gives to the Python code that ran it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from slimtune.training.listed_names import short_repr


class ParetoPoint(NamedTuple):
    """A trial that no other one is better than in all objectives.

    Attributes:
        trial: Its number.
        params: Its sampled values, by config key.
        values: Its objectives, by name.
    """

    trial: int
    params: Mapping[str, Any]
    values: Mapping[str, float]


class SweepResult(NamedTuple):
    """The winner of a sweep, and what was made of it.

    Attributes:
        trial: Number of the winner's trial.
        params: Its sampled values, by config key.
        score: Mean of `task.metric` over its seeds, on validation; of the first of `search.objectives`, where there are
            any.
        checkpoint: Folder of its best run's checkpoint.
        bundle: Folder of the exported bundle; None with `export=none`.
        registered: `models:/<name>/<version>`; None without an export or a tracker.
        values: Means of objectives and of what constraints bound, over the winner's seeds; empty without such names.
        pareto: With several objectives, the trials that no other one is better than, as they were in the search.
    """

    trial: int
    params: Mapping[str, Any]
    score: float
    checkpoint: Path
    bundle: Path | None
    registered: str | None
    values: Mapping[str, float] = {}
    pareto: Sequence[ParetoPoint] = ()

    def __repr__(self) -> str:
        """The winner and where it lies; the Pareto set is asked for by name."""
        return short_repr(
            "SweepResult",
            trial=self.trial,
            score=self.score,
            params=dict(self.params),
            checkpoint=self.checkpoint,
            bundle=self.bundle,
            registered=self.registered,
        )
