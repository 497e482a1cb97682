"""The last lines of a sweep: what was found, and where to look further."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from slimtune.export.registry.model_uri import told_before
from slimtune.sweeper.finalist import Finalist
from slimtune.sweeper.goals.goals import Goals
from slimtune.sweeper.reporting.live_table import number_text, value_text
from slimtune.sweeper.reporting.stages.stage_lines import print_line
from slimtune.sweeper.study import TrialRecord
from slimtune.sweeper.study.analysis.early_endings import told_state
from slimtune.sweeper.study.record import INFEASIBLE, param_keys
from slimtune.training.fitted_table import FittedTable, print_table
from slimtune.training.listed_names import agreeing, counted
from slimtune.training.tracking.display import told_readings, told_scores

# said of a winner that is not in the Pareto set of the search
BY_MEANS = "which is one of the best by its means over seeds, and not by its scores in the search, which these are"


def plain_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> FittedTable:
    """A table whose first column is of names and the others of numbers."""
    table = FittedTable()
    for at, name in enumerate(columns):
        table.add_column(name, justify="right" if at else "left", folds=not at)
    for row in rows:
        table.add_row(*map(str, row))
    return table


def print_trials(console: Console, trials: Sequence[TrialRecord]) -> None:
    """How the trials ended, and why the failed ones failed."""
    states: dict[str, list[TrialRecord]] = {}
    for trial in trials:
        states.setdefault(INFEASIBLE if trial.excess else trial.state.value, []).append(trial)
    console.print(f"{counted(len(trials), 'trial')}: " + ", ".join(told_state(*item) for item in states.items()))
    print_failed(console, trials)


def print_failed(console: Console, trials: Sequence[TrialRecord]) -> None:
    """Why the failed trials failed."""
    for trial in trials:
        if trial.kind is not None or (trial.excess and trial.attrs.get("message")):
            name, message = trial.attrs.get("name", f"trial {trial.number}"), trial.attrs.get("message", "")
            text = f"  {name} failed ({trial.kind}): {message}" if trial.kind else f"  {name} {message}"
            print_line(console, text)


def print_winner(
    console: Console, finalists: Sequence[Finalist], chosen: Finalist, *, goals: Goals, doubt: str | None = None
) -> None:
    """The finalists over their seeds, the winner first, and why it may not be the better one."""
    metric, *others = goals.names
    table = FittedTable("finalists, on validation", notes=["* the winner"])
    keys = param_keys(finalists)
    for name in ("trial", *(key.rpartition(".")[-1] for key in keys), f"{metric} mean", "spread", "seeds", *others):
        table.add_column(name)
    sign = -1 if goals.objectives[0].maximize else 1
    for finalist in sorted(finalists, key=lambda one: (one.number != chosen.number, sign * one.mean)):
        mark = " *" if finalist.number == chosen.number else "  "
        # an option of a group has no value for what is searched under another one
        values = (value_text(finalist.params.get(key)) for key in keys)
        scores = " ".join(f"{score:z.4f}" for score in finalist.scores)
        means = (number_text(mean) for mean in finalist.means(others).values())
        table.add_row(
            f"{finalist.number}", *values, f"{finalist.mean:z.4f}{mark}", number_text(finalist.spread), scores, *means
        )
    print_table(console, table)
    if doubt is not None:
        print_line(console, doubt)


def pareto_table(trials: Sequence[TrialRecord], picked: int | None, *, goals: Goals) -> FittedTable:
    """The trials that no other one is better than, as they were in the search; the one that is picked is marked."""
    is_among = any(trial.number == picked for trial in trials)
    mark = "* picked" if is_among else f"picked: trial {picked}, {BY_MEANS}"
    table = FittedTable(f"Pareto set, {counted(len(trials), 'trial')}", notes=[mark] if picked is not None else [])
    keys = param_keys(trials)
    for name in ("trial", *(key.rpartition(".")[-1] for key in keys), *goals.names):
        table.add_column(name)
    for trial in trials:
        params = (value_text(trial.params.get(key)) for key in keys)
        numbers = (number_text(trial.measured.get(name)) for name in goals.names)
        table.add_row(f"{trial.number}" + (" *" if trial.number == picked else "  "), *params, *numbers)
    return table


def print_test(console: Console, test: Mapping[str, Any]) -> None:
    """The one reading of the test split."""
    if not test:
        console.print("test: the data has no test rows")
        return
    scores = ", ".join(f"{one.name} [bold]{one.value}[/]{one.beside}" for one in told_scores(test["scores"]))
    line = f"test, {told_readings(test)}, {counted(test['num_rows'], 'row')}, 95 % intervals: {scores}"
    print_table(console, Text.from_markup(line))
    if test.get("note"):
        print_table(console, Text.from_markup(f"[bold yellow]warning:[/] {escape(test['note'])}"))


def print_variants(console: Console, exported: Mapping[str, Any]) -> None:
    """Every variant beside PyTorch, the bundled one marked: how faithful it is, and how fast."""
    faithful = _variant_table("export, beside PyTorch on the validation rows")
    fast = _variant_table("and how fast, in ms of a process of its own (p95: 19 of 20 take less)")
    for name in ("metric", "drop", "95 % interval", "same answer", "MB", "gate"):
        faithful.add_column(name)
    for name in ("logit gap", "1 row", "p95", "8 rows", "tokens/s", "load", "peak MB"):
        fast.add_column(name)
    for item in exported["reports"]:
        is_chosen = item["name"] == exported["chosen"]
        style = "bold green" if is_chosen else ""
        faithful.add_row(*_faith(item, is_chosen=is_chosen), style=style)
        fast.add_row(*_speed(item), style=style)
    print_table(console, faithful)
    # what an older version exported has none
    if exported.get("note"):
        print_line(console, exported["note"])
    _print_kept(console, exported["reports"])
    print_table(console, fast)
    # of an older version there are none that are merged
    if exported.get("merged"):
        _print_folders(console, "merged models as folders of transformers, beside PyTorch", exported["merged"])
    if exported["bitsandbytes"]:
        _print_folders(console, "checkpoints of transformers by bitsandbytes, beside PyTorch", exported["bitsandbytes"])
    if exported["genai"]:
        _print_genai(console, exported["genai"])
    target = exported["target"]
    if target["note"]:
        print_line(console, f"target {target['name']}: {target['note']}")


def _print_folders(console: Console, title: str, reports: Sequence[Mapping[str, Any]]) -> None:
    table = _variant_table(title)
    for name in ("metric", "drop", "same answer", "MB", "gate"):
        table.add_column(name)
    for item in reports:
        numbers = (f"{item['score']:z.4f}", f"{item['metric_drop']:+z.4f}", f"{item['agreement']:.2%}")
        table.add_row(item["name"], *numbers, f"{item['size_mb']:.1f}", "passed" if item["passed"] else "refused")
    print_table(console, table)


def _print_genai(console: Console, reports: Sequence[Mapping[str, Any]]) -> None:
    table = _variant_table("folders for onnxruntime-genai, beside PyTorch")
    for name in ("perplexity", "PyTorch", "same answers", "MB", "ms a token", "PyTorch", "gate"):
        table.add_column(name)
    for item in reports:
        perplexities = (f"{item[name]:.4f}" for name in ("perplexity", "perplexity_pytorch"))
        times = (f"{item[name]:.2f}" for name in ("ms_per_token", "ms_per_token_pytorch"))
        equal, size = f"{item['answers_equal']:.0%}", f"{item['size_mb']:.1f}"
        table.add_row(item["name"], *perplexities, equal, size, *times, "passed" if item["passed"] else "refused")
    print_table(console, table)


def _variant_table(title: str) -> FittedTable:
    table = FittedTable(title)
    table.add_column("variant", justify="left")
    return table


def _faith(item: Mapping[str, Any], *, is_chosen: bool) -> list[str]:
    gate = "bundled" if is_chosen else "passed" if item["passed"] else "refused"
    return [
        item["name"],
        f"{item['score']:z.4f}",
        f"{item['metric_drop']:+z.4f}",
        f"{item['drop_low']:+z.3f} to {item['drop_high']:+z.3f}",
        f"{item['agreement']:.2%}",
        f"{item['size_mb']:.1f}",
        "reference" if item["name"] == "pytorch" else gate,
    ]


def _speed(item: Mapping[str, Any]) -> list[str]:
    gap = f"{item['max_logit_gap']:.4f}"
    times = [f"{item[name]:.2f}" for name in ("latency_ms", "latency_p95_ms", "batch8_ms")]
    rest = [f"{item[name]:,.0f}" for name in ("tokens_per_second", "load_ms", "peak_mb")]
    return [item["name"], gap, *times, *rest]


def _print_kept(console: Console, reports: Sequence[Mapping[str, Any]]) -> None:
    """Which layers cost what, where a variant was refused at first."""
    for item in reports:
        if not item["costs"]:
            continue
        costs = sorted(item["costs"], key=lambda cost: -cost["gap"])
        worst = ", ".join(f"{cost['layer']} ({cost['gap']:.3f})" for cost in costs[:3])
        stay = agreeing(len(item["kept"]), "stays", "stay")
        kept = (
            f"{len(item['kept'])} of {counted(len(costs), 'layer')} {stay} in fp32"
            if item["kept"]
            else "no choice of layers to keep passes"
        )
        said = f"{item['name']}: {kept}; quantized alone, these move the scores most: {worst}"
        print_table(console, Text(said))


def print_registered(console: Console, registered: Mapping[str, Any]) -> None:
    """The version and what the gate said."""
    name = f"{registered['name']} version {registered['version']}"
    was = told_before(registered.get("before"), registered["version"])
    alias = f"alias [bold]{registered['alias']}[/]{was}" if registered["alias"] else "no alias"
    print_table(console, Text.from_markup(f"registered: [bold]{name}[/], {alias}: {escape(registered['reason'])}"))
    for note in registered.get("notes", ()):
        print_line(console, f"  note: {note}")


def print_next(console: Console, lines: Mapping[str, str]) -> None:
    """Commands to look further, ready to copy."""
    console.print("look further:")
    width = max(len(what) for what in lines)
    for what, command in lines.items():
        print_line(console, f"  {what:<{width}}  {command}")
