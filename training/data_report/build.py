"""The data report of what is about to be trained on."""

import math
from dataclasses import replace
from pathlib import Path

from slimtune.training.atomic_files import write_json
from slimtune.training.data_report.report import DataReport, Findings, Rows, make_report
from slimtune.training.metrics.measure import compute_all
from slimtune.training.tasks.baselines import baseline_notes
from slimtune.training.tasks.extraction import Extraction, num_unreachable
from slimtune.training.workbench.workbench import Data

FILE = "data_report.json"


def report_of(data: Data) -> DataReport:
    """Rows, lengths, classes, leaks and baselines of the data."""
    splits = data.splits
    named = {name: examples for name, examples in splits.named().items() if examples}
    has_labels = data.config.task.name == "classification" and not any(one.labels for one in splits.train)
    findings = Findings(
        num_empty=splits.num_empty,
        num_duplicates=splits.num_duplicates,
        leaks_exact=splits.num_leaked,
        leaks_near=len(splits.near_leaks),
        leak_examples=splits.near_leaks[:5],
        leaks_removed=splits.near_dropped,
    )
    rows = Rows(
        texts={name: [one.both for one in examples] for name, examples in named.items()},
        labels={name: [one.label for one in examples] for name, examples in named.items()} if has_labels else None,
        lengths={name: split.encoded.uncut_lengths() for name, split in data.encoded.items()},
    )
    scores = _baselines(data)
    task = data.config.task
    notes = baseline_notes(
        scores,
        metric=task.metric,
        maximize=task.maximize,
        headlines=data.task.headlines,
        num_rows=(len(splits.train), len(splits.validation)),
    )
    report = make_report(rows, max_length=data.config.data.max_length, findings=findings)
    return replace(report, baselines=scores, notes=[*report.notes, *_span_notes(data), *notes])


def write_report(report: DataReport, folder: Path) -> Path:
    """Write it as JSON."""
    write_json(folder / FILE, report.as_dict())
    return folder / FILE


def _span_notes(data: Data) -> list[str]:
    if not isinstance(data.task, Extraction):
        return []
    lost = num_unreachable([example for examples in data.splits.named().values() for example in examples])
    note = f"spans that do not begin and end with a word of their own: {lost:,}; they cannot be found whole"
    return [note] if lost else []


def _baselines(data: Data) -> dict[str, dict[str, float]]:
    """Scores of simple models on the validation rows, by name; those without a value are left out."""
    train, held_out = data.encoded["train"], data.encoded.get("validation")
    if held_out is None:
        return {}
    answers = data.task.baselines(train, held_out, data.tokenizer)
    scored = {name: compute_all(data.task.measures, tally) for name, tally in answers.items()}
    return {
        name: {key: score for key, score in scores.items() if math.isfinite(score)} for name, scores in scored.items()
    }
