"""The live table on the terminal; without a terminal, a line for each trial that ends."""

import math
import threading
import time
from collections.abc import Sequence

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from slimtune.sweeper.reporting.sparkline import sparkline
from slimtune.sweeper.reporting.stages.stage_lines import print_line
from slimtune.sweeper.space.dimension import Scalar
from slimtune.sweeper.study import Study, TrialRecord, TrialState
from slimtune.sweeper.study.analysis.attempts import NAME, as_shown, earlier_of, number_notes
from slimtune.sweeper.study.record import ENDED_BY, param_keys
from slimtune.training.fitted_table import FittedTable
from slimtune.training.listed_names import counted, on_one_line

COLOURS = {
    TrialState.waiting: "dim",
    TrialState.running: "cyan",
    TrialState.complete: "green",
    TrialState.pruned: "yellow",
    TrialState.failed: "red",
}
# reading the study may take at most this share of the time
READING_SHARE = 0.05
MIN_REFRESH_SECONDS = 1.0
# of a trial's curve, and of the scores of the trials that ended last
CURVE_BLOCKS, MOST_BLOCKS = 12, 60
SCORES = "scores "
# the column of what ended a trial before its training did
ENDED = "ended by"
# the column of a trial's scores while it trained
CURVE = "curve"
# where a terminal has no room for all columns of trials: what is missed more than their parameters, the least first
AFTER_PARAMETERS = ("time", ENDED, "trained")


class LiveTable:
    """Shows a study while it is searched; use it as a context."""

    def __init__(self, study: Study, title: str, console: Console) -> None:
        self._study, self._title, self._console = study, title, console
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="live", daemon=True)
        self._live = Live(console=console, auto_refresh=False, transient=False) if console.is_terminal else None
        self._printed: set[int] = set()
        self._started = time.monotonic()

    def __enter__(self) -> "LiveTable":
        self._printed = set() if self._live else {trial.number for trial in self._study.shown() if trial.finished}
        if self._live:
            self._live.start()
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()
        self._show()
        if self._live:
            self._live.stop()

    def _follow(self) -> None:
        pause = 0.0
        while not self._stop.wait(pause):
            started = time.monotonic()
            self._show()
            pause = max(MIN_REFRESH_SECONDS, (time.monotonic() - started) / READING_SHARE)

    def _show(self) -> None:
        attempts = self._study.trials()
        trials = as_shown(attempts)
        if self._live:
            self._live.update(self._picture(trials, attempts), refresh=True)
            return
        for trial in trials:
            if trial.finished and trial.number not in self._printed:
                self._printed.add(trial.number)
                print_line(self._console, _line(trial, self._study.spec.goals.shown))

    def _picture(self, trials: Sequence[TrialRecord], attempts: Sequence[TrialRecord]) -> Group:
        best = self._study.ranked()[:1]
        best_number = best[0].number if best else None
        names = self._study.spec.goals.shown
        notes = number_notes(trials, attempts)
        rows = chosen_rows(trials, max(5, self._console.height - 9 - len(notes)), best_number)
        curves = self._has_blocks()
        table = trial_table(rows, best_number=best_number, title=self._title, names=names, curves=curves)
        table.notes += notes
        return Group(table, self._bar(trials), *map(Text, self._words(trials, best)))

    def _has_blocks(self) -> bool:
        """Whether the terminal has the signs of a sparkline."""
        return "utf" in self._console.encoding.lower()

    def _words(self, trials: Sequence[TrialRecord], best: Sequence[TrialRecord]) -> list[str]:
        ended = [trial.objective for trial in trials if trial.finished and trial.objective is not None]
        if len(ended) < 2 or not self._has_blocks():
            return [self._summary(trials, best)]
        width = min(MOST_BLOCKS, self._console.width - len(SCORES))
        return [SCORES + sparkline(ended, width=width), self._summary(trials, best)]

    def _bar(self, trials: Sequence[TrialRecord]) -> Progress:
        done = sum(trial.finished for trial in trials)
        bar = Progress(TextColumn("trials"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        task = bar.add_task("", total=self._study.num_places(), completed=done)
        bar.tasks[0].start_time = bar.get_time() - (time.monotonic() - self._started)
        bar.update(task)
        return bar

    def _summary(self, trials: Sequence[TrialRecord], best: Sequence[TrialRecord]) -> str:
        one, all_of_them = ("rerun", "reruns") if self._study.spec.enqueued_only else ("trial", "search")
        text = f"best {best[0].objective:z.4f} ({trial_name(best[0])})" if best else f"no {one} completed yet"
        if best and self._study.spec.goals.several:
            text = f"{counted(len(self._study.pareto()), 'trial')} in the Pareto set"
        left = seconds_left(trials, self._study.num_places())
        return f"{text}, about {duration(left)} of the {all_of_them} left" if left else text


def chosen_rows(trials: Sequence[TrialRecord], room: int, best_number: int | None) -> list[TrialRecord]:
    """The newest trials that fit, and always the best one."""
    newest = list(trials[-room:])
    best = [trial for trial in trials if trial.number == best_number and trial not in newest]
    return best + newest[len(best) :]


def trial_table(
    trials: Sequence[TrialRecord],
    *,
    best_number: int | None,
    title: str,
    names: Sequence[str] = (),
    curves: bool = False,
) -> FittedTable:
    """Trials with state, parameters, score and progress; where the search goes by several numbers, with these.

    Args:
        trials: In their order.
        best_number: Is marked.
        title: Above the table.
        names: Of the numbers that the search goes by.
        curves: Whether each trial's scores while it trained stand there as a line of blocks, all on one scale.
    """
    ends = _ends(trials) if curves else None
    keys = param_keys(trials)
    ends_early = any(trial.ended_by for trial in trials)
    has_best = any(trial.number == best_number for trial in trials)
    params = [key.rpartition(".")[-1] for key in keys]
    kept = [*names[:1]] or ["score"]
    table = FittedTable(title, spare=spare_columns(params), kept=kept, notes=["* the best"] * has_best)
    table.add_column("trial")
    table.add_column("state", justify="left")
    for name in (*params, *(names or ("score",)), "trained"):
        table.add_column(name)
    for name in [ENDED] * ends_early + ["time"]:
        table.add_column(name)
    if ends is not None:
        table.add_column(CURVE, justify="left")
    for trial in trials:
        is_best = trial.number == best_number
        table.add_row(
            str(trial.attrs.get("name", trial.number)),
            Text(trial.standing, style=COLOURS[trial.state]),
            *(Text(value_text(trial.params.get(key))) for key in keys),
            *_score_cells(trial, names, is_best=is_best),
            trial.trained_share,
            *([trial.ended_by] * ends_early),
            duration(trial.seconds),
            *([_curve(trial, ends)] if ends is not None else []),
        )
    return table


def spare_columns(params: Sequence[str]) -> list[str]:
    """What gives way where a terminal has no room for all of a trial, the first one first: its number, its state and
    all that the search goes by stay the longest.

    Args:
        params: Heads of the columns of parameters; the last one gives way first.
    """
    return [CURVE, *reversed(params), *AFTER_PARAMETERS]


def _ends(trials: Sequence[TrialRecord]) -> tuple[float, float] | None:
    """The least and the most that any of them reported."""
    values = [value for trial in trials for value in trial.intermediate.values() if math.isfinite(value)]
    return (min(values), max(values)) if values else None


def _curve(trial: TrialRecord, ends: tuple[float, float]) -> str:
    return sparkline([trial.intermediate[step] for step in sorted(trial.intermediate)], width=CURVE_BLOCKS, ends=ends)


def _score_cells(trial: TrialRecord, names: Sequence[str], *, is_best: bool) -> list[Text]:
    texts = [number_text(trial.measured.get(name)) for name in names] or [score_text(trial)]
    style = "bold green" if is_best else ""
    return [Text(texts[0] + (" *" if is_best else "  "), style=style), *(Text(text, style=style) for text in texts[1:])]


def number_text(value: float | None) -> str:
    """Four digits of a number, or a dash."""
    if value is None:
        return "-"
    if abs(value) >= 1e4:
        return f"{value:z,.0f}"
    if 0 < abs(value) < 1e-3:
        # a learning rate
        return f"{value:z.3g}"
    return f"{value:z.4f}" if abs(value) <= 1 else f"{value:z.4g}"


def seconds_left(trials: Sequence[TrialRecord], n_trials: int) -> float | None:
    """Time that the open trials will take if they are like the finished ones; None before the first has ended."""
    finished = [trial.seconds for trial in trials if trial.finished and trial.seconds is not None]
    if not finished:
        return None
    running = sum(trial.state is TrialState.running for trial in trials)
    return sum(finished) / len(finished) * (n_trials - len(finished)) / max(1, running)


def score_text(trial: TrialRecord) -> str:
    """The objective, or a dash."""
    return f"{trial.objective:z.4f}" if trial.objective is not None else "-"


def value_text(value: Scalar) -> str:
    """A sampled value to three digits."""
    return f"{value:.3g}" if isinstance(value, float) else on_one_line(str(value if value is not None else ""))


def duration(seconds: float | None) -> str:
    """Seconds as `12s`, `3m 20s` or `2h 05m`."""
    if seconds is None:
        return ""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    return f"{whole // 3600}h {whole % 3600 // 60:02d}m"


def trial_name(trial: TrialRecord) -> str:
    """What a trial is called in a sentence; a rerun has a name."""
    return str(trial.attrs.get("name", f"trial {trial.number}"))


def _line(trial: TrialRecord, names: Sequence[str]) -> str:
    params = "  ".join(f"{key.rpartition('.')[-1]}={value_text(value)}" for key, value in trial.params.items())
    numbers = "  ".join(f"{one} {number_text(trial.measured.get(one))}" for one in names)
    scores = numbers or f"score {score_text(trial)}"
    by = trial.attrs.get(ENDED_BY)
    standing = f"{trial.standing} (ended by {by} at {trial.progress:.0%})" if by else trial.standing
    was = earlier_of(trial)
    name = f"{trial_name(trial)} (was {was[0]})" if was and NAME not in trial.attrs else trial_name(trial)
    return f"{name}: {standing}  {scores}  {params}  {duration(trial.seconds)}"
