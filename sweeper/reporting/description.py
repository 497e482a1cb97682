"""What the sweep's own run says of itself in the tracker, in Markdown: how it stands, and what to do next."""

import shlex
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from slimtune.export.registry.model_uri import told_before, version_uri
from slimtune.sweeper.finalist import told_mean
from slimtune.sweeper.goals.goals import Goals
from slimtune.sweeper.reporting.live_table import duration
from slimtune.sweeper.study.analysis.early_endings import told_endings
from slimtune.sweeper.study.analysis.outcome import winner_stage
from slimtune.sweeper.study.record import (
    BUDGET,
    MESSAGE,
    STOPPED,
    WINNER,
    TrialRecord,
    TrialState,
    in_order,
    param_keys,
)
from slimtune.training.listed_names import told_ended
from slimtune.training.markdown_text import markdown_text
from slimtune.training.tracking.display import MODE, display, told_readings, told_scores
from slimtune.training.tracking.journal import QUEUED

NUM_BEST, NUM_REASONS = 5, 6
# MLflow's limit for a tag is 8,000
MOST_CHARS = 7900
MOST_VALUE_CHARS, MOST_REASON_CHARS = 40, 160


def _as_noted(run_id: str | None) -> str | None:
    return run_id


class Described(NamedTuple):
    """What a description is made of.

    Attributes:
        words: The sweep as commands are told it.
        metric: What the score of trials is.
        experiment_id: Of the tracker; links lead there. None while it is not known.
        goals: What is made best.
        trials: Those of the budget.
        attrs: What was noted on the study: the winner, and the stages after it.
        machine: Where it runs, in a line.
        id_of: The tracker's id of a run that it did not have yet when the run was noted.
    """

    words: str
    metric: str
    experiment_id: str | None
    goals: Goals
    trials: Sequence[TrialRecord]
    attrs: Mapping[str, Any]
    machine: str
    id_of: Callable[[str | None], str | None] = _as_noted


def description(sweep: Described) -> str:
    """The Markdown, of the most important first: MLflow takes so many characters, and the rest is left out."""
    parts = [_best(sweep), _top(sweep), _budget(sweep), _endings(sweep), _next(sweep), sweep.machine]
    text = ""
    for part in filter(None, parts):
        if len(text) + len(part) + 2 > MOST_CHARS:
            break
        text += f"{part}\n\n"
    return text.rstrip() + "\n"


def _best(sweep: Described) -> str:
    winner, stage = sweep.attrs.get(WINNER), winner_stage(sweep.attrs, "registered")
    lines = []
    if winner:
        record = next((one for one in sweep.trials if one.number == winner["trial"]), None)
        score = f"{markdown_text(sweep.metric)} **{winner['score']:z.4f}** on validation, {told_mean(winner)}"
        lines.append(f"**The winner** is {_link(sweep, record, winner['trial'])}: {score}; {_values(winner['params'])}")
        if doubt := winner.get("doubt"):
            lines.append(markdown_text(doubt))
        test = winner_stage(sweep.attrs, "test")
        if test.get("scores"):
            told = ", ".join(
                f"{markdown_text(one.name)} {one.value}{one.beside}" for one in told_scores(test["scores"])
            )
            lines.append(f"Test, {told_readings(test)}, 95 % intervals: {told}")
    elif best := in_order(sweep.trials, sweep.goals):
        first = best[0]
        score = ", ".join(
            f"{markdown_text(one.name if one.name != 'objective' else sweep.metric)} **{value:z.4f}**"
            for one, value in zip(sweep.goals.objectives, first.values, strict=False)
        )
        lines.append(f"**The best so far** is {_link(sweep, first, first.number)}: {score}; {_values(first.params)}")
    else:
        lines.append("No trial has completed yet.")
    if stage:
        page = f"#/models/{quote(stage['name'], safe='')}/versions/{stage['version']}"
        where = f"[{markdown_text(stage['name'])} version {stage['version']}]({page})"
        was = told_before(stage.get("before"), stage["version"])
        alias = f"alias `{stage['alias']}`{was}" if stage["alias"] else "without an alias"
        lines.append(f"Registered as {where}, {alias}: {markdown_text(stage['reason'])}")
    return "  \n".join(lines)


def _top(sweep: Described) -> str:
    ranked = in_order(sweep.trials, sweep.goals)[:NUM_BEST]
    if not ranked:
        return ""
    names = sweep.goals.shown or [sweep.metric]
    keys = param_keys(ranked)
    head = ["trial", *map(markdown_text, [*names, *(key.rpartition(".")[-1] for key in keys)]), "time"]
    rows = [
        [
            _link(sweep, trial, trial.number),
            *(_number(trial.measured.get(name, trial.objective)) for name in names),
            *(_short(trial.params.get(key, "")) for key in keys),
            _seconds(trial.seconds),
        ]
        for trial in ranked
    ]
    return _table(head, rows)


def _budget(sweep: Described) -> str:
    states = Counter(trial.standing for trial in sweep.trials)
    times = {state: sum(t.seconds or 0.0 for t in sweep.trials if t.standing == state) for state in states}
    total = sum(times.values()) or 1.0
    rows = [
        [state, str(count), duration(times[state]), f"{100 * times[state] / total:.0f} %"]
        for state, count in states.most_common()
    ]
    ended = sum(trial.finished for trial in sweep.trials)
    line = f"**Budget**: {told_ended(ended, sweep.attrs.get(BUDGET) or len(sweep.trials))}"
    if why := sweep.attrs.get(STOPPED):
        line += f"; the search ended before: {markdown_text(why)}"
    return f"{line}\n\n{_table(['state', 'trials', 'time', 'share'], rows)}" if rows else line


def _endings(sweep: Described) -> str:
    """Why trials were pruned, or ended early by themselves, and why they failed, the most frequent reasons first."""
    lines = []
    if early := told_endings(sweep.trials):
        lines.append(f"**Before their ends**: {markdown_text(early)}")
    for state, word in ((TrialState.pruned, "Pruned"), (TrialState.failed, "Failed")):
        reasons = Counter(
            str(trial.attrs[MESSAGE]).splitlines()[0]
            for trial in sweep.trials
            if trial.state is state and trial.attrs.get(MESSAGE)
        )
        told = [
            f"{count} x {markdown_text(reason[:MOST_REASON_CHARS])}"
            for reason, count in reasons.most_common(NUM_REASONS)
        ]
        if more := len(reasons) - len(told):
            told.append(f"and {more} other reasons")
        if told:
            lines.append(f"**{word}**: {'; '.join(told)}")
    return "  \n".join(lines)


def _next(sweep: Described) -> str:
    name = sweep.words
    if not sweep.attrs.get(WINNER):
        return f"**Next**: `slimtune status {name}` says what is running; `slimtune stop {name}` ends it."
    steps = [f"`slimtune compare {name}` shows all trials"]
    if stage := winner_stage(sweep.attrs, "registered"):
        model = shlex.quote(version_uri(stage["name"], stage["version"], stage["alias"]))
        texts = winner_stage(sweep.attrs, "export").get("arguments") or "--text ..."
        steps.append(f"`slimtune predict --model {model} {texts}` asks the model")
    steps.append(f"`slimtune resume {name} search.n_trials={2 * len(sweep.trials)}` searches further")
    return f"**Next**: {'; '.join(steps)}."


def _link(sweep: Described, trial: TrialRecord | None, number: int) -> str:
    name = f"t{number:02d}"
    if trial is None or sweep.experiment_id is None:
        return name
    run_id = sweep.id_of(trial.run_id)
    if run_id is None or run_id.startswith(QUEUED):
        return name
    return f"[{name}](#/experiments/{sweep.experiment_id}/runs/{run_id}?{MODE})"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Of cells in Markdown: texts of others are made plain before, links are not."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _values(params: Mapping[str, Any]) -> str:
    return ", ".join(f"{markdown_text(key)} = {_short(value)}" for key, value in params.items()) or "no searched values"


def _short(value: Any) -> str:
    return markdown_text(display(value)[:MOST_VALUE_CHARS])


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:z.4f}"


def _seconds(value: float | None) -> str:
    return "" if value is None else duration(value)
