"""All trials as a table, the best first, each with its config."""

from collections.abc import Sequence

from slimtune.sweeper.report_page.figures.figure import short_names
from slimtune.sweeper.report_page.markup import Cell, Table, escaped, number, paragraph, parameter, score, seconds
from slimtune.sweeper.report_page.sweep_facts import SweepFacts
from slimtune.sweeper.study import TrialRecord, TrialState
from slimtune.sweeper.study.analysis.attempts import number_notes
from slimtune.training.listed_names import counted

# a browser sorts so many at once; all of them are in `slimtune compare`
MOST_ROWS = 400
# of a failed trial's message
MOST_CHARACTERS = 400


def leaderboard(facts: SweepFacts) -> str:
    """The table, or a sentence where there is no trial."""
    trials = facts.in_leaderboard_order()
    if not trials:
        return paragraph("No trial was begun.")
    shown, names = trials[:MOST_ROWS], short_names(facts.keys)
    numbers = facts.goals.shown
    best, front = facts.best(), {trial.number for trial in facts.pareto()} if facts.goals.several else set()
    winner = (facts.winner() or {}).get("trial")
    rows = [
        [
            _trial_cell(trial, is_winner=trial.number == winner),
            Cell(trial.standing, style=trial.state.value),
            *_scores(trial, numbers),
            *(parameter(trial.params.get(key)) for key in facts.keys),
            Cell(trial.trained, 100 * trial.progress),
            seconds(trial.seconds),
        ]
        for trial in shown
    ]
    styles = {at: "best" for at, trial in enumerate(shown) if best is not None and trial.number == best.number}
    styles |= {at: "front" for at, trial in enumerate(shown) if trial.number in front and at not in styles}
    columns = ["trial", "state", *(numbers or [facts.metric]), *names.values(), "trained", "time"]
    caption = f"{counted(len(trials), 'trial')}, the best first; scores are on validation, at the best evaluation"
    if any(trial.state is not TrialState.complete and trial.objective is not None for trial in trials):
        caption += " of complete trials and the last one of others"
    if winner is not None:
        caption += f"; the winner, trial {winner}, is the one with the best mean over seeds" * (not facts.goals.several)
    left = f"The best {MOST_ROWS} of {len(trials)} are here; slimtune compare {facts.words} --csv has all."
    table = Table(caption, columns, rows, is_sorted_by_reader=True, styles=styles)
    notes = number_notes(trials, facts.attempts)
    return f"{table}{paragraph(left) if len(trials) > MOST_ROWS else ''}{''.join(map(paragraph, notes))}"


def _scores(trial: TrialRecord, names: Sequence[str]) -> list[Cell]:
    return [number(trial.measured.get(name)) for name in names] or [score(trial.objective)]


def _trial_cell(trial: TrialRecord, *, is_winner: bool) -> Cell:
    lines = [f"{key}={'null' if value is None else value}" for key, value in trial.params.items()]
    message = str(trial.attrs.get("message") or "")[:MOST_CHARACTERS]
    lines += [f"run {trial.run_id}"] if trial.run_id else []
    lines += [message] if message else []
    inner = escaped("\n".join(lines))
    name = escaped(f"{trial.attrs.get('name', trial.number)}{' (winner)' if is_winner else ''}")
    return Cell("", float(trial.number), f"<details><summary>{name}</summary><pre>{inner}</pre></details>")
