"""Trials of one sweep or of several in one table, for people and for programs."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from slimtune.sweeper.reporting.live_table import (
    COLOURS,
    ENDED,
    duration,
    number_text,
    score_text,
    spare_columns,
    value_text,
)
from slimtune.sweeper.reporting.run_record import Difference
from slimtune.sweeper.reporting.trial_rows import SECONDS, STATE, TrialRow, sort_keys_of
from slimtune.sweeper.study.analysis.attempts import earlier_of
from slimtune.sweeper.study.analysis.outcome import SweepOutcome
from slimtune.training.fitted_table import FittedTable
from slimtune.training.listed_names import on_one_line

# what has a column of its own
USUAL = ("sweep", "trial", STATE, "objective", SECONDS, "progress")
# sections of a config that say how it is searched, kept and given on, and nothing of a trial
OF_SWEEPS = ("search.", "space.", "promotion.", "tracking.", "export.")
# beside a score
BEST, WINNER = "*", "W"
# what a run goes by: where that differs, objectives do not compare
METRIC, OBJECTIVE, NONE = "task.metric", "objective", "-"


def compared_table(
    rows: Sequence[TrialRow], *, title: str, best: Mapping[str, int | None], numbers: Sequence[str], more: Sequence[str]
) -> FittedTable:
    """The table; a parameter that has one value in all rows stands under it, and what a mark means.

    Args:
        rows: In their order.
        title: Above it.
        best: By sweep, the trial with the best single score, which is marked, as the winner is.
        numbers: Of several objectives, their names; else the objective alone is shown.
        more: Further names to show, such as what the rows are sorted by.
    """
    params = list(dict.fromkeys(key for row in rows for key in row.trial.params))
    fixed = {key: rows[0].trial.params.get(key) for key in params if len(rows) > 1 and _is_same(rows, key)}
    varied = [key for key in params if key not in fixed]
    others = [name for name in dict.fromkeys(more) if name not in (*USUAL, *params, *numbers)]
    several = len(best) > 1
    ends_early = any(row.trial.ended_by for row in rows)
    heads = [key.rpartition(".")[-1] for key in varied]
    kept = [*numbers[:1]] or ["score"]
    table = FittedTable(title, keys=2 if several else 1, spare=spare_columns(heads), kept=kept)
    if several:
        table.add_column("sweep", justify="left", folds=True)
    table.add_column("trial")
    table.add_column("state", justify="left")
    for name in (*heads, *(numbers or ("score",)), *others, "trained"):
        table.add_column(name)
    for name in [ENDED] * ends_early + ["time"]:
        table.add_column(name)
    for row, mark in zip(rows, _marks(rows, best), strict=True):
        end = [Text(row.trial.ended_by)] * ends_early
        cells = (*_cells(row, varied, numbers, others, mark), *end, Text(duration(row.trial.seconds)))
        table.add_row(*([row.sweep] * several), *cells)
    if any(row.trial.number == best.get(row.sweep) for row in rows):
        table.notes.append(f"{BEST} the best single score{' of its sweep' if several else ''}")
    if any(row.is_winner for row in rows):
        table.notes.append(f"{WINNER} the winner{' of its sweep' if several else ''}, by its mean over seeds")
    if fixed:
        same = "  ".join(f"{key}={value_text(value)}" for key, value in fixed.items())
        table.notes.append(f"the same in all: {same}")
    return table


def _marks(rows: Sequence[TrialRow], best: Mapping[str, int | None]) -> list[str]:
    """Beside each row's score, all of one width."""
    marks = [
        (BEST if row.trial.number == best.get(row.sweep) else "") + (WINNER if row.is_winner else "") for row in rows
    ]
    width = max(1, *map(len, marks)) if marks else 1
    return [f"{mark:<{width}}" for mark in marks]


def _is_same(rows: Sequence[TrialRow], key: str) -> bool:
    first = rows[0].trial.params
    return key in first and all(key in row.trial.params and row.trial.params[key] == first[key] for row in rows)


def _cells(
    row: TrialRow, params: Sequence[str], numbers: Sequence[str], others: Sequence[str], mark: str
) -> list[Text]:
    trial, values = row.trial, row.values
    scores = [number_text(trial.measured.get(name)) for name in numbers] or [score_text(trial)]
    style = "bold green" if mark.strip() else ""
    return [
        Text(str(trial.attrs.get("name", trial.number))),
        Text(trial.standing, style=COLOURS[trial.state]),
        *(Text(value_text(trial.params.get(key))) for key in params),
        Text(f"{scores[0]} {mark}", style=style),
        *(Text(text, style=style) for text in scores[1:]),
        *(Text(_told(values.get(name))) for name in others),
        Text(trial.trained_share),
    ]


def _told(value: object) -> str:
    if isinstance(value, float):
        return number_text(value)
    return "-" if value is None else on_one_line(str(value))


def as_csv(rows: Sequence[TrialRow]) -> str:
    """A line a trial, with a column for every name."""
    names = sort_keys_of(rows)
    file = io.StringIO()
    writer = csv.DictWriter(file, fieldnames=names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(dict(row.values) for row in rows)
    return file.getvalue()


def as_plain(row: TrialRow, names: Sequence[str], outcome: SweepOutcome | None = None) -> dict[str, Any]:
    """A trial as an object of a JSON list.

    Args:
        row: The trial.
        names: Of objectives and constraints.
        outcome: What its sweep came to, which is told of the winner alone.
    """
    trial = row.trial
    won = outcome.as_dict() if outcome is not None and row.is_winner else {}
    return {
        "sweep": row.sweep,
        "number": trial.number,
        "state": trial.state.value,
        "feasible": trial.is_feasible,
        "kind": trial.kind,
        "objective": trial.objective,
        "values": {name: trial.measured[name] for name in names if name in trial.measured},
        "params": dict(trial.params),
        "metrics": dict(trial.measured),
        "run_id": trial.run_id,
        "seconds": trial.seconds,
        "earlier": earlier_of(trial),
        "winner": row.is_winner,
        **{name: won.get(name) for name in ("validation_mean", "test", "registered", "alias")},
    }


def difference_tables(
    names: tuple[str, str], config: Sequence[Difference], metrics: Sequence[Difference] | None
) -> list[RenderableType]:
    """What two runs have not in common: of their configs, and of their metrics with the difference.

    Args:
        names: Of the runs.
        config: Keys with other values.
        metrics: Metrics with other values; None where they do not compare.
    """
    goes_by = any(one.name == METRIC for one in config)
    of_trials = [one for one in config if not one.name.startswith(OF_SWEEPS)]
    numbers = [(one, NONE if goes_by and one.name.endswith(OBJECTIVE) else _change(one)) for one in metrics or ()]
    rows = [(one.name, one.first, one.second, change) for one, change in numbers]
    return [
        _differences("config", names, [(one.name, one.first, one.second) for one in of_trials]),
        *_told_of_sweeps([one.name for one in config if one not in of_trials]),
        *([] if metrics is None else [_differences("metrics", names, rows)]),
    ]


def _told_of_sweeps(keys: Sequence[str]) -> list[RenderableType]:
    """What no trial depends on, by name alone."""
    return [Text(f"of the sweeps alone, which no trial depends on: {', '.join(keys)}")] if keys else []


def _change(one: Difference) -> str:
    if not isinstance(one.first, int | float) or not isinstance(one.second, int | float):
        return NONE
    return f"{one.second - one.first:+z.4g}"


def _differences(what: str, names: tuple[str, str], rows: Sequence[tuple[object, ...]]) -> RenderableType:
    if not rows:
        return Text(f"{what}: no difference")
    place, heads = _heads(names)
    table = FittedTable(f"{what}, where they differ{place}")
    for at, name in enumerate(("key", *heads, "change")[: len(rows[0])]):
        table.add_column(name, justify="left" if at == 0 else "right", folds=at < 3)
    for row in rows:
        table.add_row(*map(_told, row))
    return table


def _heads(names: tuple[str, str]) -> tuple[str, tuple[str, str]]:
    """The folder that both runs lie in, as the end of a title, and what tells them apart."""
    first, second = (Path(name).parts for name in names)
    common = 0
    # a number alone says little
    while common < min(len(first), len(second)) - 2 and first[common] == second[common]:
        common += 1
    place = f", in {Path(*first[:common])}" if common else ""
    return place, ("/".join(first[common:]) or names[0], "/".join(second[common:]) or names[1])
