"""The data report of what is about to be trained on."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from slimtune.training.atomic_files import write_json
from slimtune.training.config.data import DataConfig
from slimtune.training.config.score_range import score_range
from slimtune.training.config.task import ClassificationTask
from slimtune.training.data.duplicates.compared_texts import compared_texts
from slimtune.training.data.examples import Example
from slimtune.training.data.splits import RowSplits
from slimtune.training.data_report.answer_notes import answer_notes
from slimtune.training.data_report.label_notes import (
    likeness_notes,
    nothing_notes,
    order_notes,
    range_notes,
    several_notes,
    spelling_notes,
    unseen_notes,
)
from slimtune.training.data_report.metric_notes import metric_notes
from slimtune.training.data_report.prompt_notes import prompt_notes
from slimtune.training.data_report.reach_notes import reach_notes
from slimtune.training.data_report.report import DataReport, Findings, RowsBySplit, make_report
from slimtune.training.data_report.right_answers import best_score
from slimtune.training.data_report.text_notes import row_notes
from slimtune.training.data_report.turn_notes import turn_notes
from slimtune.training.data_report.unread_columns import split_notes
from slimtune.training.errors import ConfigError
from slimtune.training.evaluation.own_score import no_number, path_of
from slimtune.training.listed_names import counted
from slimtune.training.metrics.measure import Measure, compute_all
from slimtune.training.models.positions import positions_of
from slimtune.training.stages import told_stage
from slimtune.training.tasks.baselines import CONSTANT, Aim, baseline_notes
from slimtune.training.tasks.registry import entry_of, labels_of_rows
from slimtune.training.tracking.display import told_baseline, warned
from slimtune.training.usual_places import DATA_REPORT_FILE
from slimtune.training.workbench.prepared_data import PreparedData
from slimtune.training.workbench.unknown_tokens import unknown_notes

# of fewer rows each moves a share of right answers by a quarter or more
LEAST_VALIDATION = 5
LONGER = "lengths are those of the longer of a row's two texts, each of which data.max_length cuts by itself"


def data_report_of(data: PreparedData) -> DataReport:
    """Rows, lengths, classes, leaks and baselines of the data.

    Raises:
        ConfigError: No metric gives `task.metric`.
    """
    named = {name: examples for name, examples in data.rows.named().items() if examples}
    scores = _baselines(data)
    config, read = data.config, data.rows
    aim = _aim(data)
    baselines = baseline_notes(
        scores,
        aim=aim,
        headlines=data.task.headlines,
        num_rows=(len(read.train), len(read.validation)),
    )
    most = positions_of(data.model).read
    report = make_report(
        _rows(data, named),
        max_length=config.data.max_length,
        findings=_findings(read),
        most_tokens=most,
        near_duplicates=config.data.near_duplicates,
    )
    every = [example for examples in named.values() for example in examples]
    own = [*data.task.notes(every), *answer_notes(every, data.task, data.tokenizer)]
    own += [*turn_notes(every, data.task, data.tokenizer), *prompt_notes(named, data.task, data.tokenizer)]
    own += [LONGER] if data.encoded["train"].encoded.has_several_texts else []
    texts = [*row_notes(every, config), *split_notes(every, config), *unknown_notes(data.encoded, data.tokenizer)]
    validation = named.get("validation", [])
    blind = [*metric_notes(data.task.measures, validation), *reach_notes(config.task, aim.best, validation)]
    labels = _label_notes(data, named)
    return replace(
        report,
        baselines=scores,
        best_score=aim.best,
        notes=[
            *read.notes,
            *report.notes,
            *texts,
            *labels,
            *own,
            *_few_notes(len(validation)),
            *blind,
            *baselines,
            *_left_out(config.data),
        ],
    )


def _few_notes(num_rows: int) -> list[str]:
    """Validation rows by which no trial can be told from another."""
    if not 0 < num_rows < LEAST_VALIDATION:
        return []
    more = "add rows, hold out more of them (data.validation_share), or give data.validation_file"
    return [
        warned(f"validation has {counted(num_rows, 'row')}, by which trials are compared, and chance decides: {more}")
    ]


def _aim(data: PreparedData) -> Aim:
    """With the best value that a model can have on the validation rows, or else on any."""
    task = data.config.task
    best, possible = best_score(data.config, data.task.measures, data.rows.validation), score_range(task.metric, task)
    if best is None and possible is not None:
        best = possible.best(maximize=task.maximize)
    return Aim(task.metric, task.maximize, best)


def _left_out(config: DataConfig) -> list[str]:
    """What the report would tell otherwise."""
    near = "training rows that are nearly a held-out row, or such a row with another label, were not looked for"
    notes = [] if config.near_duplicates else [f"{near} (data.near_duplicates=false)"]
    return notes if config.baselines else [*notes, "no simple models to compare with (data.baselines=false)"]


def _label_notes(data: PreparedData, named: Mapping[str, Sequence[Example]]) -> list[str]:
    """What was made of cells; the report itself tells of labels that one class a row has."""
    labels = {name: labels_of_rows(data.config.task, examples) for name, examples in named.items()}
    every = [example for examples in named.values() for example in examples]
    known = sorted({label for found in labels.values() for label in found})
    notes = nothing_notes(every, known)
    if known:
        column = data.config.data.label_column
        notes += [*spelling_notes(every, column), *likeness_notes(known)]
    task = data.config.task
    if isinstance(task, ClassificationTask) and task.labels is None and not task.multi_label:
        notes += order_notes(known, data.config.data.label_column)
    if known and data.task.stratify_by(named["train"]) is None:
        notes += unseen_notes(labels)
    if data.config.data.group_column is not None:
        groups = {example.group for example in every if example.group}
        notes += likeness_notes(sorted(groups), what="groups (data.group_column)")
    notes += range_notes(task, every)
    if getattr(data.config.task, "multi_label", False):
        notes += several_notes(every)
    return notes


def _findings(read: RowSplits) -> Findings:
    return Findings(
        num_empty=read.num_empty,
        num_duplicates=read.num_duplicates,
        leaks_exact=read.num_leaked,
        leaks_near=len(read.near_leaks),
        leak_examples=read.near_leaks[:5],
        leaks_removed=read.near_dropped,
        leaks_shared=read.near_shared,
        leaks_known=read.near_known,
        blank_columns=read.blank_columns,
    )


def _rows(data: PreparedData, named: Mapping[str, Sequence[Example]]) -> RowsBySplit:
    labels_in = entry_of(data.config.task).labels_in
    classes = {name: data.task.stratify_by(examples) for name, examples in named.items()}
    return RowsBySplit(
        texts={name: [one.both for one in examples] for name, examples in named.items()},
        labels=None if classes["train"] is None else {name: found or [] for name, found in classes.items()},
        label_sets=[labels_in(one) for one in named["train"]] if labels_in is not None else [],
        lengths={name: split.encoded.uncut_lengths() for name, split in data.encoded.items()},
        num_tokens={name: split.encoded.num_uncut_tokens for name, split in data.encoded.items()},
        compared=[] if classes["train"] is None else compared_texts([named["train"]])[0],
    )


def write_report(report: DataReport, folder: Path) -> Path:
    """Write it as JSON."""
    write_json(folder / DATA_REPORT_FILE, report.as_dict())
    return folder / DATA_REPORT_FILE


def _baselines(data: PreparedData) -> dict[str, dict[str, float]]:
    """Scores of simple models on the validation rows, by name; those without a value are left out."""
    train, held_out = data.encoded["train"], data.encoded.get("validation")
    if held_out is None or not data.config.data.baselines:
        return {}
    with told_stage("trains simple models to compare with (data.baselines)", len(train)):
        answers = data.task.baselines(train, held_out, data.tokenizer)
        scored = {name: compute_all(data.task.measures, tally) for name, tally in answers.items()}
    if any("prediction" in tally.columns and len(tally) for tally in answers.values()):
        _check_metric(data, scored)
    return {
        name: {key: score for key, score in scores.items() if math.isfinite(score)} for name, scores in scored.items()
    }


def _check_metric(data: PreparedData, scored: Mapping[str, Mapping[str, float]]) -> None:
    """Whether anything gives the score that the search goes by: a metric of the user's own names its scores itself."""
    named = [measure.keys for measure in data.task.measures if measure.own is None]
    known = {key for keys in (*named, *scored.values()) for key in keys}
    metric = data.config.task.metric
    if metric not in known:
        raise ConfigError([f"task.metric is '{metric}'; the scores are {', '.join(sorted(known))}"])
    _check_numbers(metric, data.task.measures, scored)


def _check_numbers(metric: str, measures: Sequence[Measure], scored: Mapping[str, Mapping[str, float]]) -> None:
    """Whether a metric of the user's own gives a number for any model; one of a constant answer may have none, as a
    correlation.
    """
    answers = {name: scores for name, scores in scored.items() if metric in scores and name not in CONSTANT}
    for name, scores in answers.items():
        path = path_of(measures, metric, scores)
        if path is not None and not any(math.isfinite(others[metric]) for others in answers.values()):
            raise no_number(path, {metric: scores[metric]}, f"for the answers of {told_baseline(name)}")
