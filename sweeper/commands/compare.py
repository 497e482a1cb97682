"""`slimtune compare`: the trials of sweeps in one table, how the sweeps differ, or how two runs do."""

import argparse
import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from slimtune.export.commands.command_parser import CommandParser
from slimtune.sweeper.commands.arguments.compared_words import are_runs
from slimtune.sweeper.commands.arguments.sweep_argument import add_outputs, sweeps_told
from slimtune.training.atomic_files import json_text
from slimtune.training.errors import ConfigError
from slimtune.training.listed_names import agreeing, by_numbers, counted
from slimtune.training.usual_places import USUAL_STORE

if TYPE_CHECKING:
    from slimtune.sweeper.campaigns.named_sweep import NamedSweep
    from slimtune.sweeper.reporting.run_record import Difference, RunRecord
    from slimtune.sweeper.reporting.sweep_settings import SweepSettings
    from slimtune.sweeper.reporting.trial_rows import TrialRow
    from slimtune.sweeper.study import TrialRecord
    from slimtune.sweeper.study.loaded import LoadedTrials

SORT, WHERE = "--sort", "--where"


def run(arguments: Sequence[str]) -> int:
    """Print the trials of one sweep or of several, the best first, or the differences of two runs.

    Raises:
        StoreError: There is no such sweep or run.
        UserError: Trials are to be sorted or chosen by what they do not have.
    """
    options = command_parser().parse_args(with_signs(arguments))
    # with a storage all are sweeps
    if options.storage is None and are_runs(options.what, Path(options.outputs)):
        return _compare_runs(options)
    found = _sweeps(options)
    sweeps = {name: one.loaded for name, one in found.items()}
    rows, shown = _chosen(sweeps, options)
    if options.json:
        _print_json(sweeps, rows)
    elif options.csv:
        from slimtune.sweeper.reporting.compared_table import as_csv

        print(as_csv(rows), end="")
    else:
        _print_table(found, rows, shown)
        if rows:
            _print_doubts(found)
        else:
            _print_none(found, options.where)
    return 0


def command_parser() -> argparse.ArgumentParser:
    """What can be given on the command line."""
    parser = CommandParser(prog="slimtune compare", description=__doc__)
    parser.there = sweeps_told
    parser.add_argument(
        "what",
        nargs="+",
        metavar="sweep|run",
        help="names or folders of sweeps; or two runs, each by its id in MLflow or the folder of a trial",
    )
    add_outputs(parser)
    parser.add_argument("--storage", help="URL of the studies, if search.storage was set")
    parser.add_argument("--tracking-uri", help=f"MLflow store of run ids ({USUAL_STORE})")
    parser.add_argument(
        SORT,
        metavar="KEY",
        help="objective, seconds, any parameter or metric, the smallest first; -KEY: the largest first",
    )
    parser.add_argument("--descending", action="store_true", help=f"with {SORT}: the largest first")
    parser.add_argument(
        WHERE,
        metavar="CONDITION",
        action="append",
        default=[],
        help="trials that keep it, e.g. 'state=complete' or 'learning_rate>1e-4'; several are all kept",
    )
    parser.add_argument("--top", type=int, metavar="N", help="the first N trials only")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="a line a trial with all parameters and metrics")
    form.add_argument("--json", action="store_true", help="a JSON list, one object a trial")
    return parser


def with_signs(arguments: Sequence[str]) -> list[str]:
    """With `--sort -objective` as one word: argparse takes what begins with a dash for an option."""
    words: list[str] = []
    for word in arguments:
        if words and words[-1] == SORT and word.startswith("-") and not word.startswith("--"):
            words[-1] = f"{SORT}={word}"
        else:
            words.append(word)
    return words


class Sweep(NamedTuple):
    """A sweep that is compared.

    Attributes:
        place: Where it is.
        loaded: Its trials.
    """

    place: "NamedSweep"
    loaded: "LoadedTrials"

    def doubt(self) -> str | None:
        """Why its winner may not be the better one."""
        from slimtune.sweeper.report_page.sweep_facts import sweep_facts_of

        return sweep_facts_of(self.loaded, self.place.storage, self.place.name, self.place.folder).doubt()

    def settings(self) -> "SweepSettings":
        """What it was given."""
        from slimtune.sweeper.reporting.sweep_settings import settings_of

        return settings_of(self.loaded.attrs, self.place.folder)


def _sweeps(options: argparse.Namespace) -> "dict[str, Sweep]":
    from slimtune.sweeper.campaigns.named_sweep import named_sweep

    given = list(dict.fromkeys(options.what))
    found = [named_sweep(one, outputs=Path(options.outputs), storage=options.storage) for one in given]
    # a name that is not there need not wait for Optuna
    from slimtune.sweeper.study import load_study_trials

    names = [one.name for one in found]
    # two folders may hold sweeps of one name
    called = [name if names.count(name) == 1 else word for name, word in zip(names, given, strict=True)]
    loaded = [load_study_trials(one.storage, one.name) for one in found]
    return {name: Sweep(*one) for name, one in zip(called, zip(found, loaded, strict=True), strict=True)}


def _chosen(sweeps: "dict[str, LoadedTrials]", options: argparse.Namespace) -> "tuple[list[TrialRow], list[str]]":
    """The rows to show, and the names that they were chosen by."""
    from slimtune.sweeper.reporting.row_condition import read_condition
    from slimtune.sweeper.reporting.trial_rows import in_order_of, sort_keys_of, whole_name

    if options.top is not None and options.top < 1:
        raise ConfigError([f"--top is {options.top}; use a whole number of 1 or more"])
    rows = _ranked(sweeps)
    known = sort_keys_of(rows)
    conditions = [read_condition(text, known) for text in options.where]
    rows = [row for row in rows if all(condition.keeps(row) for condition in conditions)]
    shown = [condition.name for condition in conditions]
    if options.sort is not None:
        key = whole_name(options.sort.removeprefix("-"), known, option=SORT)
        rows = in_order_of(rows, key, descending=options.descending or options.sort.startswith("-"))
        shown.append(key)
    elif options.descending:
        raise ConfigError([f"--descending says how to sort, and {SORT} is not given; give it, e.g. {SORT} seconds"])
    return rows[: options.top], shown


def _ranked(sweeps: "dict[str, LoadedTrials]") -> "list[TrialRow]":
    """Complete trials, the best first, then the others; each sweep by itself where sweeps do not compare."""
    from slimtune.sweeper.reporting.trial_rows import TrialRow

    ranked = {name: loaded.ranked() for name, loaded in sweeps.items()}
    winners = {name: loaded.winner for name, loaded in sweeps.items()}

    def row_of(name: str, trial: "TrialRecord") -> TrialRow:
        return TrialRow(name, trial, is_winner=trial.number == winners[name])

    best = [row_of(name, trial) for name, trials in ranked.items() for trial in trials]
    rest = [
        row_of(name, trial)
        for name, loaded in sweeps.items()
        for trial in loaded.in_leaderboard_order()[len(ranked[name]) :]
    ]
    objectives = {loaded.objectives for loaded in sweeps.values()}
    if len(objectives) > 1:
        return sorted([*best, *rest], key=lambda row: list(sweeps).index(row.sweep))
    ((first, *others),) = objectives
    if len(sweeps) > 1 and not others:
        best.sort(key=lambda row: first.loss(row.trial.objective or 0.0))
    return [*best, *rest]


def _print_json(sweeps: "dict[str, LoadedTrials]", rows: "Sequence[TrialRow]") -> None:
    from slimtune.sweeper.reporting.compared_table import as_plain
    from slimtune.sweeper.study.analysis.outcome import outcome_of

    outcomes = {name: outcome_of(loaded.attrs) for name, loaded in sweeps.items()}
    told = [as_plain(row, sweeps[row.sweep].goals.names, outcomes[row.sweep]) for row in rows]
    print(json_text(told, indent=1))


def _print_table(found: "dict[str, Sweep]", rows: "Sequence[TrialRow]", shown: Sequence[str]) -> None:
    from rich.console import Console

    from slimtune.sweeper.reporting.compared_table import compared_table
    from slimtune.sweeper.reporting.sweeps_table import settings_table, sweeps_table
    from slimtune.sweeper.reporting.trial_rows import with_fixed
    from slimtune.training.fitted_table import print_table

    sweeps = {name: one.loaded for name, one in found.items()}
    numbers = list(dict.fromkeys(name for loaded in sweeps.values() for name in loaded.goals.shown))
    title = _title(sweeps)
    best = {name: _best(loaded) for name, loaded in sweeps.items()}
    console = Console()
    if len(sweeps) > 1:
        rows = with_fixed(rows, sweeps)
        print_table(console, sweeps_table(sweeps))
        print_table(console, settings_table(sweeps, {name: one.settings() for name, one in found.items()}))
    if not rows and shown:
        return
    table = compared_table(rows, title=title, best=best, numbers=numbers, more=shown)
    table.notes += _number_notes(sweeps, rows)
    print_table(console, table)
    for name, loaded in sweeps.items():
        if loaded.goals.several:
            of = f" of {name}" if len(sweeps) > 1 else ""
            print(f"Pareto set{of}: {by_numbers('trial', [trial.number for trial in loaded.pareto()])}")


def _print_none(found: "dict[str, Sweep]", conditions: Sequence[str]) -> None:
    """That there is no row, and what the rows were chosen by."""
    if conditions:
        num_trials = sum(len(one.loaded.trials) for one in found.values())
        print(f"none of the {counted(num_trials, 'trial')} of {', '.join(found)} keeps {' and '.join(conditions)}")


def _number_notes(sweeps: "dict[str, LoadedTrials]", rows: "Sequence[TrialRow]") -> list[str]:
    """Why numbers are missing in each sweep's rows."""
    from slimtune.sweeper.study.analysis.attempts import number_notes

    notes = []
    for name, loaded in sweeps.items():
        shown = [row.trial for row in rows if row.sweep == name]
        # of some rows alone nobody expects every number
        hidden = loaded.attempts if len(shown) == len(loaded.trials) else []
        of = f"{name}: " if len(sweeps) > 1 else ""
        notes += [f"{of}{note}" for note in number_notes(shown, hidden)]
    return notes


def _print_doubts(sweeps: "dict[str, Sweep]") -> None:
    """Where a winner's lead may be chance."""
    from rich.console import Console

    from slimtune.sweeper.reporting.stages.stage_lines import print_line

    for name, sweep in sweeps.items():
        if (told := sweep.doubt()) is not None:
            print_line(Console(), f"{name}: {told}" if len(sweeps) > 1 else told)


def _title(sweeps: "dict[str, LoadedTrials]") -> str:
    """Their names, and what each goes by, if they say so."""
    told = {name: ", ".join(one.told for one in loaded.objectives) for name, loaded in sweeps.items()}
    word = agreeing(len(sweeps), "sweep", "sweeps")
    if len(set(told.values())) > 1:
        return f"{word} {'; '.join(f'{name}: {goals}' for name, goals in told.items())}"
    return f"{word} {', '.join(sweeps)}: {next(iter(told.values()))}"


def _best(loaded: "LoadedTrials") -> int | None:
    """The trial with the best single score; with several objectives there is none."""
    if loaded.goals.several:
        return None
    return next((trial.number for trial in loaded.ranked()), None)


def _compare_runs(options: argparse.Namespace) -> int:
    from slimtune.sweeper.reporting.run_record import (
        check_one_kind,
        comparable_metrics,
        differences,
        read_run,
        unscored_notes,
    )

    first, second = (read_run(one, options.tracking_uri) for one in options.what)
    check_one_kind(first, second)
    config, unscored = differences(first.config, second.config), unscored_notes((first, second))
    # what one of them has alone is no difference to a run that was never scored
    metrics = [] if unscored else differences(*comparable_metrics(first, second))
    if options.json:
        # null: nobody knows whether they differ
        print(json_text({"config": _plain(config), "metrics": None if unscored else _plain(metrics)}, indent=1))
    elif options.csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(["kind", "name", first.name, second.name])
        writer.writerows([kind, *one] for kind, found in (("config", config), ("metric", metrics)) for one in found)
    else:
        _print_differences((first, second), config, None if unscored else metrics)
    for note in unscored:
        # values go to programs
        print(f"metrics: {note}", file=sys.stderr if options.json or options.csv else sys.stdout)
    return 0


def _plain(found: "Sequence[Difference]") -> dict[str, list[Any]]:
    return {one.name: [one.first, one.second] for one in found}


def _print_differences(
    runs: "tuple[RunRecord, RunRecord]", config: "Sequence[Difference]", metrics: "Sequence[Difference] | None"
) -> None:
    from rich.console import Console

    from slimtune.sweeper.reporting.compared_table import difference_tables
    from slimtune.training.fitted_table import print_table

    for table in difference_tables((runs[0].name, runs[1].name), config, metrics):
        print_table(Console(), table)
