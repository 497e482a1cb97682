"""Tables of what came after the search: test, variants, reruns; and of the data before it."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from slimtune.sweeper.report_page.figures.rungs import Rung
from slimtune.sweeper.report_page.markup import Cell, Row, Table, number, paragraph, score, unordered
from slimtune.sweeper.study.analysis.finalists import Seeded
from slimtune.sweeper.study.analysis.importance import INTERVAL_PERCENT, Importance
from slimtune.training.listed_names import counted
from slimtune.training.tracking.display import told_baseline, told_readings


def test_table(test: Mapping[str, Any]) -> str:
    """The winner's scores on rows that nothing was chosen by."""
    scores = test.get("scores") or {}
    rows: list[Row] = [
        [
            name.replace("_", " "),
            score(_float(item.get("value"))),
            score(_float(item.get("low"))),
            score(_float(item.get("high"))),
        ]
        for name, item in scores.items()
        if not math.isnan(_float(item.get("value")))
    ]
    of = f"test, {told_readings(test)}, {_rows_of(test)}"
    caption = f"{of}; intervals hold 95 % of bootstrap samples of the rows"
    return str(Table(caption, ["score", "value", "from", "to"], rows))


def _rows_of(test: Mapping[str, Any]) -> str:
    number = test.get("num_rows")
    return counted(number, "row") if isinstance(number, int) else "? rows"


def variant_table(export: Mapping[str, Any]) -> str:
    """Every variant beside PyTorch."""
    rows: list[Row] = [
        [
            str(item.get("name")),
            score(item.get("score")),
            number(item.get("metric_drop")),
            _interval(item.get("drop_low"), item.get("drop_high")),
            Cell(f"{item.get('agreement', math.nan):.2%}", item.get("agreement")),
            number(item.get("size_mb")),
            number(item.get("latency_ms"), digits=3),
            number(item.get("latency_p95_ms"), digits=3),
            number(item.get("tokens_per_second"), digits=4),
            number(item.get("peak_mb"), digits=4),
            _gate(item, export.get("chosen")),
        ]
        for item in export.get("reports") or []
    ]
    columns = [
        "variant",
        "score",
        "drop",
        "95 % interval",
        "same answer",
        "MB",
        "ms a row",
        "p95 ms",
        "tokens/s",
        "peak MB",
    ]
    styles = {at: "best" for at, row in enumerate(rows) if str(row[0]) == str(export.get("chosen"))}
    table = Table("variants beside PyTorch, on validation rows", [*columns, "gate"], rows, styles=styles)
    return f"{table}{paragraph(export['note']) if export.get('note') else ''}"


def _gate(item: Mapping[str, Any], chosen: object) -> str:
    if item.get("name") == "pytorch":
        return "reference"
    return "bundled" if item.get("name") == chosen else "passed" if item.get("passed") else "refused"


def _interval(low: float | None, high: float | None) -> str:
    return "–" if low is None or high is None else f"{low:+z.3f} to {high:+z.3f}"


def _float(value: object) -> float:
    return float(value) if isinstance(value, int | float) else math.nan


def seed_table(found: Sequence[Seeded], chosen: object) -> str:
    """The finalists over their seeds."""
    rows: list[Row] = [
        [
            Cell(f"trial {one.number}", float(one.number)),
            score(one.mean),
            number(one.spread, digits=3),
            Cell(str(len(one.scores)), len(one.scores)),
            " ".join(f"{value:z.4f}" for value in one.scores),
            Cell(str(one.failed), one.failed),
        ]
        for one in found
    ]
    styles = {at: "best" for at, one in enumerate(found) if one.number == chosen}
    columns = ["finalist", "mean", "standard deviation", "seeds", "each", "failed reruns"]
    return str(Table("finalists over their seeds, on validation", columns, rows, styles=styles))


def importance_table(found: Sequence[Importance]) -> str:
    """What the figure draws, in numbers."""
    rows: list[Row] = [[one.key, number(one.share, digits=2), _span(one.low, one.high)] for one in found]
    columns = ["parameter", "share", f"{INTERVAL_PERCENT} % of resamples"]
    return str(Table("importance", columns, rows))


def _span(low: float, high: float) -> str:
    return f"{low:.2f} to {high:.2f}"


def rung_table(found: Sequence[Rung]) -> str:
    """How many came to each rung and went on."""
    rows: list[Row] = []
    for rung in found:
        came, pruned = len(rung.passed) + len(rung.pruned), len(rung.pruned)
        best = [value for _, value in rung.pruned]
        span = f"{min(best):z.4g} to {max(best):z.4g}" if best else "–"
        rows.append([Cell(f"{rung.examples:,}", rung.examples), Cell(str(came), came), Cell(str(pruned), pruned), span])
    columns = ["training examples", "trials that came", "pruned there", "scores of the pruned"]
    return str(Table("rungs", columns, rows))


def data_tables(data: Mapping[str, Any]) -> str:
    """Splits, classes, baselines, leaks and notes of the data report."""
    splits: list[Row] = [
        [
            str(one.get("name")),
            _count(one.get("num_rows")),
            _count(one.get("num_tokens")),
            *(_count((one.get("length_quantiles") or {}).get(percent)) for percent in ("50", "95", "100")),
            _count(one.get("num_cut")),
        ]
        for one in data.get("splits") or []
    ]
    columns = ["split", "rows", "tokens", "median length", "95 %", "longest", "cut"]
    parts = [str(Table("splits, lengths in tokens", columns, splits)), _classes(data), _baseline_table(data)]
    kept = "removed from training" if data.get("leaks_removed", True) else "kept in training"
    counts = (
        f"Empty rows left out: {data.get('num_empty', 0):,}. Duplicates left out: {data.get('num_duplicates', 0):,}. "
        f"Training rows also in a held-out split: {data.get('leaks_exact', 0):,}, nearly so: "
        f"{data.get('leaks_near', 0):,} ({kept})."
    )
    parts.append(paragraph(counts))
    parts.append(unordered(str(note) for note in data.get("notes") or []))
    noise: list[Row] = [[str(text), str(label), str(other)] for text, label, other in data.get("label_noise") or []]
    if noise:
        parts.append(str(Table("nearly the same text, another label", ["text", "label", "earlier label"], noise)))
    return "".join(parts)


def _count(value: Any) -> Cell:
    return Cell(f"{value:,}", value) if isinstance(value, int | float) else Cell("–")


def _classes(data: Mapping[str, Any]) -> str:
    classes = data.get("classes") or {}
    if not classes:
        return ""
    whole = sum(classes.values()) or 1
    rows: list[Row] = [
        [str(name), _count(count), Cell(f"{count / whole:.1%}", count / whole)] for name, count in classes.items()
    ]
    return str(Table("training rows by class", ["class", "rows", "share"], rows))


def _baseline_table(data: Mapping[str, Any]) -> str:
    baselines = data.get("baselines") or {}
    names = list(dict.fromkeys(name for scores in baselines.values() for name in scores))
    if not names:
        return ""
    rows: list[Row] = [
        [told_baseline(model), *(score(scores.get(name)) for name in names)] for model, scores in baselines.items()
    ]
    columns = ["model", *(name.replace("_", " ") for name in names)]
    return str(Table("simple models on the validation rows", columns, rows))
