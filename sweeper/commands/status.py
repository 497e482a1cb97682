"""`slimtune status`: whether a sweep is running, what its trials do, and what is left."""

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from slimtune.export.commands.command_parser import CommandParser
from slimtune.sweeper.commands.arguments.sweep_argument import add_sweep, sweep_of, told_words
from slimtune.training.atomic_files import json_text
from slimtune.training.listed_names import agreeing, counted

if TYPE_CHECKING:
    from slimtune.sweeper.goals.goals import Goals
    from slimtune.sweeper.reporting.sweep_status import SweepStatus
    from slimtune.training.fitted_table import FittedTable


def run(arguments: Sequence[str]) -> int:
    """Print how a sweep stands.

    Raises:
        StoreError: There is no such sweep.
    """
    options = command_parser().parse_args(arguments)
    found = sweep_of(options)
    from slimtune.sweeper.reporting.sweep_status import sweep_status

    status = sweep_status(found.storage, found.name)
    if options.json:
        print(json_text(status.as_dict(), indent=1))
        return 0
    from rich.console import Console

    from slimtune.sweeper.reporting.stages.stage_lines import print_line

    console = Console()
    for line in _lines(status, told_words(options, found)):
        print_line(console, line)
    if status.pareto:
        from slimtune.sweeper.reporting.terminal import pareto_table
        from slimtune.training.fitted_table import print_table

        picked = status.outcome.winner["trial"] if status.outcome is not None else None
        print_table(console, pareto_table(status.pareto, picked, goals=status.goals))
    if status.running:
        from slimtune.training.fitted_table import print_table

        print_table(console, _table(status))
    if status.begun_before:
        from slimtune.training.fitted_table import print_table

        print_table(console, _waiting_table(status))
    return 0


def command_parser() -> argparse.ArgumentParser:
    """What can be given on the command line."""
    parser = CommandParser(prog="slimtune status", description=__doc__)
    add_sweep(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser


def _lines(status: "SweepStatus", words: str) -> list[str]:
    from slimtune.sweeper.reporting.live_table import duration, value_text
    from slimtune.sweeper.study.analysis.early_endings import told_state
    from slimtune.sweeper.study.analysis.stage import SweepStage

    of = f" of {status.budget}" if status.budget is not None else ""
    counts = ", ".join(told_state(*item) for item in sorted(status.by_kind.items(), key=lambda item: item[0]))
    ended = sum(trial.finished for trial in status.trials)
    have = f"{ended}{of} {agreeing(ended, 'has', 'have')} ended"
    lines = [f"sweep {status.name}: {_state(status, words)}", f"trials: {have} ({counts or 'none begun'})"]
    if status.best is not None and not status.goals.several:
        params = "  ".join(f"{key}={value_text(value)}" for key, value in status.best.params.items())
        word = "best" if status.outcome is None else "best in the search"
        scores = _scores(status.goals, status.best.measured, status.best.objective)
        lines.append(f"{word}: {scores}, trial {status.best.number}  {params}")
    if status.reruns and status.stage is not SweepStage.reruns:
        rerun = sum(trial.finished for trial in status.reruns)
        lines.append(f"reruns of the best: {rerun} of {len(status.reruns)} {agreeing(rerun, 'has', 'have')} ended")
    lines += _outcome_lines(status)
    if status.reason is not None:
        lines.append(f"the search has ended: {status.reason}")
    if status.seconds_left is not None:
        lines.append(f"left: {counted(status.num_left or 0, 'trial')}, about {duration(status.seconds_left)}")
    if status.launchers:
        lines.append(f"led by {status.launchers[0]}, {_workers(status)}{_joined(status)}")
    return lines


def _scores(goals: "Goals", measured: "Mapping[str, float]", objective: float | None) -> str:
    """Everything that a sweep goes by, each with its name; what a task function returns may have no other one."""
    from slimtune.sweeper.reporting.live_table import number_text

    first, *others = goals.names
    own = "-" if objective is None else f"{objective:z.4f}"
    return ", ".join([f"{first} {own}", *(f"{name} {number_text(measured.get(name))}" for name in others)])


def _outcome_lines(status: "SweepStatus") -> list[str]:
    """The winner, its test scores, and what it was registered as, as far as there are any."""
    outcome = status.outcome
    before = [f"registered by its earlier end: {_registered(status, status.before)}"] if status.before else []
    if outcome is None:
        return before
    from slimtune.sweeper.finalist import told_mean
    from slimtune.sweeper.reporting.live_table import value_text
    from slimtune.training.tracking.display import told_scores

    winner = outcome.winner
    params = "  ".join(f"{key}={value_text(value)}" for key, value in winner["params"].items())
    scores = _scores(status.goals, winner.get("values") or {}, winner["score"])
    means = told_mean(winner, len(status.goals.names))
    lines = [f"winner: {scores} ({means}), trial {winner['trial']}  {params}"]
    if outcome.test:
        lines.append(f"test, 95 % intervals: {', '.join(map(str, told_scores(outcome.test)))}")
    if outcome.registered:
        lines.append(f"registered: {_registered(status, outcome.registered)}")
    return [*lines, *before]


def _registered(status: "SweepStatus", version: "Mapping[str, Any]") -> str:
    from slimtune.export.registry.model_uri import version_uri

    alias = f", alias {version['alias']}" if version.get("alias") else ""
    where = f" in {status.elsewhere} (--tracking-uri)" if status.elsewhere else ""
    return f"{version_uri(version['name'], version['version'])}{alias}{where}"


def _workers(status: "SweepStatus") -> str:
    if status.is_starting:
        # of those that joined it is not known how many they launch
        number = status.num_workers if len(status.launchers) == 1 else None
        if number is None:
            return "its workers are starting"
        return agreeing(number, "its worker is starting", f"its {number} workers are starting")
    if not status.workers:
        return "without workers now"
    return f"with {counted(len(status.workers), 'worker')}"


def _joined(status: "SweepStatus") -> str:
    joined = status.launchers[1:]
    return f"; joined by {', '.join(joined)}" if joined else ""


def _state(status: "SweepStatus", words: str) -> str:
    from slimtune.sweeper.reporting.live_table import duration
    from slimtune.sweeper.reporting.sweep_status import SweepState, age
    from slimtune.sweeper.study.analysis.stage import told_stage_of

    by = ""
    if status.request is not None:
        by = f", asked by {status.request.by} {duration(age(status.request.at))} ago"
    is_on = status.state in (SweepState.stopping, SweepState.finishing)
    stage = "" if status.stage is None else told_stage_of(status.stage, status.reruns, is_on=is_on)
    then = f"; {stage}" if stage else ""
    match status.state:
        case SweepState.stopping:
            return f"stopping{by}{then}"
        case SweepState.stopped:
            return f"stopped{by} (slimtune resume {words}){then}"
        case SweepState.interrupted:
            return f"interrupted: nobody works on it (slimtune resume {words}){then}"
        case SweepState.finishing:
            return f"finishing{then}"
        case SweepState.running | SweepState.ended:
            return str(status.state.value)


def _table(status: "SweepStatus") -> "FittedTable":
    from slimtune.sweeper.reporting.live_table import duration, score_text
    from slimtune.training.fitted_table import FittedTable

    table = FittedTable()
    for name in ("running", "trained", "time", "score"):
        table.add_column(name)
    table.add_column("worker", justify="left", folds=True)
    for trial, worker, is_alive in status.running:
        table.add_row(
            str(trial.attrs.get("name", trial.number)),
            trial.trained_share,
            duration(trial.seconds),
            score_text(trial),
            f"{worker or 'not named yet'}{'' if is_alive else ' (dead: it is tried again)'}",
        )
    return table


def _waiting_table(status: "SweepStatus") -> "FittedTable":
    from slimtune.sweeper.reporting.live_table import duration, score_text, spare_columns, value_text
    from slimtune.sweeper.study.analysis.attempts import number_notes
    from slimtune.sweeper.study.record import param_keys
    from slimtune.training.fitted_table import FittedTable

    trials = status.begun_before
    keys = param_keys(trials)
    params = [key.rpartition(".")[-1] for key in keys]
    table = FittedTable(spare=spare_columns(params), kept=["score"], notes=number_notes(trials, []))
    for name in ("waiting", *params, "trained", "time", "score"):
        table.add_column(name)
    for trial in trials:
        table.add_row(
            str(trial.attrs.get("name", trial.number)),
            *(value_text(trial.params.get(key)) for key in keys),
            trial.trained_share,
            duration(trial.seconds),
            score_text(trial),
        )
    return table
