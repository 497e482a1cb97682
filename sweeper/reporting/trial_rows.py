"""Trials of one sweep or of several as rows, by names that a person sorts and chooses them by."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from slimtune.sweeper.space.dimension import Scalar
from slimtune.sweeper.study import TrialRecord
from slimtune.sweeper.study.analysis.attempts import earlier_of
from slimtune.sweeper.study.loaded import LoadedTrials
from slimtune.sweeper.study.record import EARLIER, IDENTITY
from slimtune.training.config.schema import suggestion
from slimtune.training.errors import UserError

SWEEP, TRIAL, STATE, OBJECTIVE, SECONDS, RUN = "sweep", "trial", "state", "objective", "seconds", "run_id"
PROGRESS = "progress"
# what the table writes above them
HEADS = {"score": OBJECTIVE, "time": SECONDS, "trained": PROGRESS}


class TrialRow(NamedTuple):
    """A trial among those of several sweeps.

    Attributes:
        sweep: The name of its sweep.
        trial: As the study knows it.
        is_winner: Whether its sweep has chosen it.
    """

    sweep: str
    trial: TrialRecord
    is_winner: bool = False

    @property
    def values(self) -> Mapping[str, Scalar]:
        """All that is known of it by name: what every trial has, parameters by config key, scores and costs."""
        trial = self.trial
        return {
            **{name: value for name, value in trial.measured.items() if isinstance(value, int | float)},
            **trial.params,
            SWEEP: self.sweep,
            TRIAL: trial.number,
            STATE: trial.state.value,
            "kind": trial.kind,
            "feasible": trial.is_feasible,
            OBJECTIVE: trial.objective,
            SECONDS: trial.seconds,
            PROGRESS: trial.progress,
            RUN: trial.run_id,
            "winner": self.is_winner,
            EARLIER: " ".join(map(str, earlier_of(trial))) or None,
        }


def with_fixed(rows: Sequence[TrialRow], sweeps: Mapping[str, LoadedTrials]) -> list[TrialRow]:
    """The rows, where one sweep has fixed what another one searched, with its value among the parameters.

    Args:
        rows: Of all of the sweeps.
        sweeps: By name.
    """
    searched = {name: {key for trial in one.trials for key in trial.params} for name, one in sweeps.items()}
    every = set().union(*searched.values())
    fixed = {
        name: {key: _number_or_text(value) for key, value in known.items() if key in every - searched[name]}
        for name, one in sweeps.items()
        if (known := one.attrs.get(IDENTITY) or {})
    }
    return [
        row._replace(trial=row.trial._replace(params={**fixed.get(row.sweep, {}), **row.trial.params})) for row in rows
    ]


def _number_or_text(value: str) -> Scalar:
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value


def sort_keys_of(rows: Sequence[TrialRow]) -> list[str]:
    """Every name that a row has a value by, the common ones first."""
    common = (SWEEP, TRIAL, STATE, "kind", "feasible", OBJECTIVE, SECONDS, PROGRESS, RUN, "winner", EARLIER)
    params = [key for row in rows for key in row.trial.params]
    return list(dict.fromkeys([*common, *params, *(key for row in rows for key in row.values)]))


def whole_name(name: str, known: Sequence[str], *, option: str) -> str:
    """The whole name for a name, the last part of a dotted key, or a head of the table.

    Raises:
        UserError: There is none, or several end so.
    """
    if name in known:
        return name
    ends = [one for one in known if one.rpartition(".")[-1] == name]
    if len(ends) == 1:
        return ends[0]
    if ends:
        raise UserError(f"{option} names '{name}', which is the end of {' and '.join(ends)}; give one of these")
    if HEADS.get(name) in known:
        return HEADS[name]
    parts = {one.rpartition(".")[-1]: one for one in known}
    raise UserError(f"{option} names '{name}', which no trial has; {suggestion(name, [*parts])}")


def in_order_of(rows: Sequence[TrialRow], key: str, *, descending: bool) -> list[TrialRow]:
    """Rows by a value, numbers before texts; those without it come last, whichever way."""
    with_value = [row for row in rows if row.values.get(key) is not None]
    without = [row for row in rows if row.values.get(key) is None]
    return [*sorted(with_value, key=lambda row: _order(row.values[key]), reverse=descending), *without]


def _order(value: Scalar) -> tuple[bool, float, str]:
    is_number = isinstance(value, int | float)
    return (not is_number, float(value) if isinstance(value, int | float) else 0.0, "" if is_number else str(value))
