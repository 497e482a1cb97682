"""A finalist with all its runs, and what of it a sweep keeps as its winner."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, NamedTuple

from slimtune.training.listed_names import agreeing


class Run(NamedTuple):
    """One training of a finalist, with a seed of its own.

    Attributes:
        score: The objective, on validation.
        checkpoint: Folder of its best checkpoint.
        run_id: Its run in the tracker; None without a tracker.
        measured: Every number that it has by its name: scores, and what it costs where the search goes by that.
    """

    score: float
    checkpoint: Path
    run_id: str | None
    measured: Mapping[str, float] = {}


class Finalist(NamedTuple):
    """One of the best trials, with its reruns.

    Attributes:
        number: Its trial.
        params: Sampled values.
        runs: The trial itself first, then the reruns that completed; never empty.
        left_behind: Why it got out of the race of reruns; None if it stayed, or if there was none.
    """

    number: int
    params: Mapping[str, Any]
    runs: Sequence[Run]
    left_behind: str | None = None

    @property
    def scores(self) -> list[float]:
        """The objective of each run."""
        return [run.score for run in self.runs]

    @property
    def mean(self) -> float:
        """Mean objective over its seeds."""
        return fmean(self.scores)

    @property
    def spread(self) -> float | None:
        """Standard deviation over its seeds; None for one seed."""
        return stdev(self.scores) if len(self.runs) > 1 else None

    def means(self, names: Sequence[str]) -> dict[str, float]:
        """Means over its seeds, by name."""
        return {name: fmean(run.measured[name] for run in self.runs) for name in names}

    def found_in(self, folder: Path) -> "Finalist":
        """With the checkpoints where they lie now."""
        return self._replace(runs=[run._replace(checkpoint=lies_at(run.checkpoint, folder)) for run in self.runs])

    def best_run(self, *, maximize: bool) -> Run:
        """The run that scored best on validation; the first of equals."""
        best = max if maximize else min
        return best(self.runs, key=lambda run: run.score)


class Winner(NamedTuple):
    """What a sweep has chosen, as its study keeps it.

    Attributes:
        trial: Number of the winner's trial.
        params: Sampled values.
        score: Mean objective over its seeds, on validation.
        checkpoint: Of its best run.
        run_id: Of that run; None without a tracker.
        values: Means of the objectives over its seeds, by name, where they have names.
        doubt: Why it may not be the better one of the best two; None where its lead is clear.
        exported: Which of its runs is tested, and exported where there is an export; None where it has only one.
    """

    trial: int
    params: Mapping[str, Any]
    score: float
    checkpoint: Path
    run_id: str | None
    values: Mapping[str, float] = {}
    doubt: str | None = None
    exported: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            **self._asdict(),
            "params": dict(self.params),
            "values": dict(self.values),
            "checkpoint": str(self.checkpoint),
        }


def told_mean(winner: Mapping[str, Any], num_scores: int = 1) -> str:
    """What a winner's scores are: means over its seeds, or of the one seed that it has.

    Args:
        winner: As the study has it.
        num_scores: How many are told.
    """
    # an older one does not say
    if winner.get("exported", "") is None:
        return "with one seed"
    return f"{agreeing(num_scores, 'mean', 'means')} over its seeds"


def lies_at(path: Path, folder: Path) -> Path:
    """A checkpoint of a sweep where it lies now: in the sweep's folder, wherever that was when it was written.

    Args:
        path: Where it was, `.../trials/<number>/checkpoint-<step>`.
        folder: The sweep's.
    """
    inside = folder.joinpath(*path.parts[-3:])
    return inside if inside.is_dir() else path


def winner_of(finalist: Finalist, best: Run, values: Mapping[str, float], *, doubt: str | None = None) -> Winner:
    """The finalist that was chosen, with the best of its runs."""
    return Winner(finalist.number, finalist.params, finalist.mean, best.checkpoint, best.run_id, values, doubt)


def read_winner(values: Mapping[str, Any]) -> Winner:
    """A winner from what `Winner.as_dict` gave."""
    return Winner(**{**values, "checkpoint": Path(values["checkpoint"])})
