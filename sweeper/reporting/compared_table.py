"""Trials of one sweep or of several in one table, for people and for programs."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from slimtune.sweeper.reporting.live_table import COLOURS, duration, number_text, score_text, value_text
from slimtune.sweeper.reporting.run_record import Difference
from slimtune.sweeper.reporting.trial_rows import SECONDS, STATE, TrialRow, sort_keys_of

# what has a column of its own
SHORTEST_NAME = 8
USUAL = ("sweep", "trial", STATE, "objective", SECONDS, "progress")


def compared_table(
    rows: Sequence[TrialRow], *, title: str, best: Mapping[str, int | None], numbers: Sequence[str], more: Sequence[str]
) -> RenderableType:
    """The table; a parameter that has one value in all rows stands under it.

    Args:
        rows: In their order.
        title: Above it.
        best: By sweep, its best trial, which is marked.
        numbers: Of several objectives, their names; else the objective alone is shown.
        more: Further names to show, such as what the rows are sorted by.
    """
    params = list(dict.fromkeys(key for row in rows for key in row.trial.params))
    fixed = {key: rows[0].trial.params.get(key) for key in params if len(rows) > 1 and _is_same(rows, key)}
    varied = [key for key in params if key not in fixed]
    others = [name for name in dict.fromkeys(more) if name not in (*USUAL, *params, *numbers)]
    several = len(best) > 1
    table = Table(title=escape(title), title_justify="left", title_style="bold", pad_edge=False, box=None)
    if several:
        # where there is no room for all, it is taken from what is longest: names of sweeps first, then the parameters
        table.add_column("sweep", overflow="fold", min_width=SHORTEST_NAME)
    table.add_column("trial", justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for key in varied:
        table.add_column(escape(key.rpartition(".")[-1]), justify="right", overflow="fold")
    for name in (*(numbers or ("score",)), *others, "trained", "time"):
        table.add_column(escape(name), justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*([Text(row.sweep)] * several), *_cells(row, varied, numbers, others, best.get(row.sweep)))
    same = "  ".join(f"{key}={value_text(value)}" for key, value in fixed.items())
    return Group(table, Text(f"the same in all: {same}")) if same else table


def _is_same(rows: Sequence[TrialRow], key: str) -> bool:
    first = rows[0].trial.params
    return key in first and all(key in row.trial.params and row.trial.params[key] == first[key] for row in rows)


def _cells(
    row: TrialRow, params: Sequence[str], numbers: Sequence[str], others: Sequence[str], best: int | None
) -> list[Text]:
    trial, values = row.trial, row.values
    scores = [number_text(trial.measured.get(name)) for name in numbers] or [score_text(trial)]
    is_best = trial.number == best
    style = "bold green" if is_best else ""
    return [
        Text(str(trial.attrs.get("name", trial.number))),
        Text(trial.standing, style=COLOURS[trial.state]),
        *(Text(value_text(trial.params.get(key))) for key in params),
        Text(scores[0] + (" *" if is_best else "  "), style=style),
        *(Text(text, style=style) for text in scores[1:]),
        *(Text(_told(values.get(name))) for name in others),
        Text(trial.trained),
        Text(duration(trial.seconds)),
    ]


def _told(value: object) -> str:
    if isinstance(value, float):
        return number_text(value)
    return "-" if value is None else str(value)


def print_wide(table: RenderableType) -> None:
    """On a terminal in its width; into a file or a pipe in the width that the table needs."""
    console = Console()
    if not console.is_terminal:
        needed = console.measure(table, options=console.options.update(width=10_000)).maximum
        console = Console(width=max(console.width, needed))
    console.print(table, highlight=False)


def as_csv(rows: Sequence[TrialRow]) -> str:
    """A line a trial, with a column for every name."""
    names = sort_keys_of(rows)
    file = io.StringIO()
    writer = csv.DictWriter(file, fieldnames=names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(dict(row.values) for row in rows)
    return file.getvalue()


def as_plain(row: TrialRow, names: Sequence[str]) -> dict[str, Any]:
    """A trial as an object of a JSON list.

    Args:
        row: The trial.
        names: Of objectives and constraints.
    """
    trial = row.trial
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
    }


def difference_tables(
    names: tuple[str, str], config: Sequence[Difference], metrics: Sequence[Difference]
) -> list[RenderableType]:
    """What two runs have not in common: of their configs, and of their metrics with the difference.

    Args:
        names: Of the runs.
        config: Keys with other values.
        metrics: Metrics with other values.
    """
    numbers = [(one, _change(one)) for one in metrics]
    return [
        _differences("config", names, [(one.name, one.first, one.second) for one in config]),
        _differences("metrics", names, [(one.name, one.first, one.second, change) for one, change in numbers]),
    ]


def _change(one: Difference) -> str:
    if not isinstance(one.first, int | float) or not isinstance(one.second, int | float):
        return "-"
    return f"{one.second - one.first:+.4g}"


def _differences(what: str, names: tuple[str, str], rows: Sequence[tuple[object, ...]]) -> RenderableType:
    if not rows:
        return Text(f"{what}: no difference")
    table = Table(pad_edge=False, box=None)
    for at, name in enumerate(("key", *names, "change")[: len(rows[0])]):
        table.add_column(escape(name), justify="left" if at == 0 else "right", overflow="fold")
    for row in rows:
        table.add_row(*(Text(_told(cell) if not isinstance(cell, str) else cell) for cell in row))
    # a table is as narrow as its cells, and would break its title
    return Group(Text(f"{what}, where they differ", style="bold"), table)
