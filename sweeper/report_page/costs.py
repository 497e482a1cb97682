"""What the search took: by state, and what pruning saved."""

import math
from collections.abc import Sequence

from slimtune.sweeper.report_page.figures.history import best_so_far, first_with_best
from slimtune.sweeper.report_page.markup import Cell, Row, Table, seconds, unordered
from slimtune.sweeper.report_page.sweep_facts import SweepFacts
from slimtune.sweeper.reporting.live_table import duration
from slimtune.sweeper.study import TrialRecord, TrialState
from slimtune.sweeper.study.analysis.early_endings import ended_early

# share of the time of trials, up to which that between them is not told
MOST_UNTOLD = 0.1


def costs(facts: SweepFacts) -> str:
    """A table and a few sentences; the table alone before a trial has ended."""
    return f"{_table(facts)}{unordered(_sentences(facts))}"


def _table(facts: SweepFacts) -> Table:
    kinds: dict[str, list[TrialRecord]] = {}
    for trial in facts.attempts:
        kinds.setdefault(trial.standing, []).append(trial)
    if facts.reruns:
        # of these only the last attempts are here
        kinds["reruns"] = [rerun._replace(seconds_before=0.0) for rerun in facts.reruns]
    whole = sum(_seconds(trials) for trials in kinds.values()) or 1.0
    rows: list[Row] = [
        [
            kind,
            Cell(str(len(trials)), len(trials)),
            seconds(_seconds(trials)),
            Cell(f"{_seconds(trials) / whole:.0%}", _seconds(trials) / whole),
            seconds(_seconds(trials) / len(trials)),
            Cell(f"{_examples(trials):,}", _examples(trials)),
        ]
        for kind, trials in kinds.items()
    ]
    return Table(
        "time and training examples of trials, by how they ended",
        ["state", "trials", "time", "share", "each", "training examples"],
        rows,
    )


def _sentences(facts: SweepFacts) -> list[str]:
    found = []
    begun = [trial for trial in facts.attempts if trial.started is not None and trial.seconds is not None]
    if begun:
        first = min(_begin(trial) for trial in begun)
        last = max(_begin(trial) + (trial.attempt_seconds or 0.0) for trial in begun)
        worked, busy = _seconds(begun), _busy_seconds(begun)
        found.append(
            f"Trials were trained for {duration(busy)}, and took {duration(worked)} together: "
            f"{worked / max(busy, 1e-9):.1f} at a time."
        )
        if (paused := last - first - busy) > MOST_UNTOLD * busy:
            found.append(
                f"From the first one's beginning to the last one's end {duration(last - first)} went by: in "
                f"{duration(paused)} of these none was trained."
            )
    pruned = [trial for trial in facts.trials if trial.state is TrialState.pruned]
    if (saved := saved_seconds(pruned)) > 0:
        found.append(f"Pruned trials would have taken {duration(saved)} more to their ends.")
    for key in ended_early(facts.trials):
        early = [trial for trial in facts.trials if trial.ended_by == key]
        if (saved := saved_seconds(early)) > 0:
            found.append(f"Trials ended by {key} would have taken {duration(saved)} more to their ends.")
    numbers, best = best_so_far(facts)
    if numbers and begun:
        number = first_with_best(numbers, best)
        winner = next(trial for trial in facts.trials if trial.number == number)
        if winner.started is not None:
            until = _begin(winner) + (winner.attempt_seconds or 0.0) - first
            found.append(f"The best score was found by trial {number}, {duration(until)} after the beginning.")
    if facts.seconds_left is not None:
        found.append(f"About {duration(facts.seconds_left)} of the search is left.")
    return found


def _busy_seconds(trials: Sequence[TrialRecord]) -> float:
    """How long any of the trials was trained, without the time between them."""
    busy, until = 0.0, -math.inf
    for begin, end in sorted((_begin(trial), _begin(trial) + (trial.attempt_seconds or 0.0)) for trial in trials):
        busy += max(0.0, end - max(begin, until))
        until = max(until, end)
    return busy


def saved_seconds(trials: Sequence[TrialRecord]) -> float:
    """What trials that ended before would have taken to their ends, if they had gone on as fast."""
    partly = [trial for trial in trials if 0 < trial.progress < 1]
    return sum((trial.seconds or 0.0) * (1 - trial.progress) / trial.progress for trial in partly)


def _seconds(trials: Sequence[TrialRecord]) -> float:
    return sum(trial.attempt_seconds or 0.0 for trial in trials)


def _examples(trials: Sequence[TrialRecord]) -> int:
    """What they had seen when they reported last."""
    return sum(max(trial.intermediate, default=0) for trial in trials)


def _begin(trial: TrialRecord) -> float:
    assert trial.started is not None
    return trial.started.timestamp()
