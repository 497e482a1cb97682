"""Scores of any model on any labelled rows: a checkpoint, a run, a bundle or a registered model."""

import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from slimtune.export.bundle.bundle import Bundle
from slimtune.export.evaluation.batch_notes import batch_notes
from slimtune.export.evaluation.bundle_score import bundle_config, own_metrics, score_bundle, score_labels
from slimtune.export.evaluation.known_targets import check_labels, check_targets
from slimtune.export.evaluation.seen_rows import said_of_seen, seen_of_bundle, seen_of_checkpoint
from slimtune.export.graph_names import Kind
from slimtune.export.registry.find_bundle import is_bundle_name, locate_bundle
from slimtune.export.runtime.answer_names import PREDICTION
from slimtune.export.runtime.given_rows import free_names
from slimtune.training.checkpoints.checkpoint import Checkpoint, open_checkpoint
from slimtune.training.checkpoints.find import find_checkpoint
from slimtune.training.config.schema import suggestion
from slimtune.training.config.task import ClassificationTask
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.cells import present_column
from slimtune.training.data.examples import Example
from slimtune.training.data.labelled_rows import BY_ARGUMENT, ColumnKeys, LabelledColumns, labelled_example
from slimtune.training.data.readers.reader import LocatedRow, Row
from slimtune.training.data_report.list_notes import list_notes
from slimtune.training.data_report.text_notes import row_notes, text_notes
from slimtune.training.data_report.unread_columns import unread_notes
from slimtune.training.errors import ConfigError, DataError, UntrustedError
from slimtune.training.evaluation.score import Evaluation
from slimtune.training.evaluation.test_score import score_checkpoint
from slimtune.training.listed_names import short_repr, with_commas
from slimtune.training.tasks import Task
from slimtune.training.tasks.classification import labels_in
from slimtune.training.tasks.rows import GivenRows, given_rows, located, name_of, read_examples


class ModelScores(NamedTuple):
    """All scores of a model on rows, and its answers.

    Attributes:
        scores: Score name to value.
        num_rows: Rows that they are of.
        details: Label by label, where the task has labels.
        predictions: Each row with what the model answers, in `prediction`, or in `model_prediction` if the rows have
            such a column; None for rows that are left out. Empty where nothing was answered.
        source: The folder that was scored.
        experiment: Where the model comes from, in the tracker; None if it does not say.
        left_out: Rows that were not scored, having no text or nothing to compare an answer with.
        notes: What a person should know of how the rows were read.
        blank: In how many of the rows that are left out a column is blank, by its name and the key that names it.
        num_seen: How many of the rows the model was trained on; None where its training rows are not at hand.
    """

    scores: dict[str, float]
    num_rows: int
    details: Mapping[str, Any]
    predictions: list[dict[str, Any]]
    source: Path
    experiment: str | None
    left_out: Sequence[str] = ()
    notes: Sequence[str] = ()
    blank: Mapping[str, int] = {}  # a NamedTuple's default, never written to
    num_seen: int | None = None

    def __repr__(self) -> str:
        """The scores, and of how many rows of what; answers and details are asked for by name."""
        return short_repr("ModelScores", scores=self.scores, num_rows=self.num_rows, source=self.source)


class EvaluationColumns(NamedTuple):
    """Columns of the rows, where they differ from those that the model was trained on.

    Attributes:
        text: The text's.
        label: The label's or answer's.
        text_pair: The second text's.
        keys: What an error calls these three.
    """

    text: str | None = None
    label: str | None = None
    text_pair: str | None = None
    keys: ColumnKeys = BY_ARGUMENT


TRAINED_COLUMNS = EvaluationColumns()


class _Access(NamedTuple):
    """Where models are looked for, and whether code that they name may be run."""

    tracking_uri: str | None
    trust: bool


def evaluate_model(  # noqa: PLR0913
    model: str | Path,
    *,
    data: str | Path | Sequence[Row],
    metric: str | None = None,
    columns: EvaluationColumns = TRAINED_COLUMNS,
    tracking_uri: str | None = None,
    trust: bool = False,
) -> ModelScores:
    """Score a model on labelled rows.

    Args:
        model: A checkpoint's or trial's folder, the id of a run, a bundle's folder, or `models:/<name>@<alias>`.
        data: A name that a reader takes, or rows as dicts.
        metric: One score alone, e.g. `accuracy`; None gives all that the model's task has.
        columns: Of the rows, where they differ from those that the model was trained on.
        tracking_uri: The MLflow store of runs and registered models; None is what MLFLOW_TRACKING_URI says, or
            `mlruns/mlflow.db`.
        trust: Whether code that the model's config names may be run, although it was not trained in this process.

    Returns:
        The scores by name, and the model's answer to each row. A note tells rows that the model was trained on.

    Raises:
        ModelError: There is no such model.
        UntrustedError: Its config names code, and `trust` is false.
        DataError: The rows cannot be read, are no rows, or have labels that it does not know.
        ConfigError: The task has no such score, or an argument is of another kind.

    Example:
        >>> import slimtune
        >>> rows = [{"text": "lovely soup", "label": "plus"}, {"text": "awful soup", "label": "minus"}]
        >>> scored = slimtune.evaluate_model("outputs/mine/export/bundle", data=rows)
        >>> scored.num_rows, 0 <= scored.scores["accuracy"] <= 1
        (2, True)
    """
    _check_arguments(model, columns, metric)
    rows = str(data) if isinstance(data, Path) else data
    scored = _scored(str(model), rows, columns, _Access(tracking_uri, trust))
    if metric is None:
        return scored
    if metric not in scored.scores:
        raise ConfigError([f"metric is '{metric}'; {suggestion(metric, scored.scores)}"])
    return scored._replace(scores={metric: scored.scores[metric]})


def _check_arguments(model: object, columns: object, metric: object) -> None:
    problems = []
    if not isinstance(model, str | Path):
        problems.append(
            f"model is {reprlib.repr(model)}; name a checkpoint's or trial's folder, a run's id, a bundle's folder, or "
            "models:/<name>@<alias>"
        )
    if not isinstance(columns, EvaluationColumns):
        form = "EvaluationColumns(text='...', label='...') of slimtune.export.evaluation.evaluate_model"
        problems.append(f"columns is {reprlib.repr(columns)}; use {form}")
    if metric is not None and not isinstance(metric, str):
        problems.append(f"metric is {reprlib.repr(metric)}; name one score, or leave it out for all")
    if problems:
        raise ConfigError(problems)


def _scored(model: str, rows: str | Sequence[Row], columns: EvaluationColumns, access: _Access) -> ModelScores:
    if is_bundle_name(model):
        bundle = locate_bundle(model, access.tracking_uri, trust=access.trust)
        return _score_bundle(bundle, rows, columns, trust=access.trust)
    checkpoint = open_checkpoint(find_checkpoint(model, access.tracking_uri), trust=access.trust)
    config = _with_columns(_with_labels(checkpoint), columns)
    given = read_examples(rows, config)
    given = given._replace(notes=row_notes(given.scored, config))
    check_targets(given, checkpoint.config, checkpoint.record.labels, key=columns.keys.label)
    task, evaluation = score_checkpoint(checkpoint, given.scored, name="given")
    experiment = str(checkpoint.record.config["search"]["name"])
    told = _told(given, task, evaluation, source=checkpoint.folder, experiment=experiment)
    return _with_seen(told, given, seen_of_checkpoint(checkpoint, given))


def _score_bundle(bundle: Bundle, rows: str | Sequence[Row], columns: EvaluationColumns, *, trust: bool) -> ModelScores:
    given = bundle_rows(bundle, rows, columns, trust=trust)
    config, left_out = _scoring_config(bundle, trust=trust)
    given = given._replace(notes=[*given.notes, *left_out, *batch_notes(model=bundle)])
    task, evaluation = (
        score_labels(bundle, given.scored) if config is None else score_bundle(bundle, given.scored, config)
    )
    told = _told(given, task, evaluation, source=bundle.folder, experiment=bundle.manifest.provenance.sweep)
    return _with_seen(told, given, seen_of_bundle(bundle, given, trust=trust))


def _scoring_config(bundle: Bundle, *, trust: bool) -> tuple[TrialConfig | None, list[str]]:
    """The config that gives the scores, None where a classifier does without; and what is then left out."""
    own = own_metrics(bundle)
    if bundle.kind is Kind.labels and not own:
        return None, []
    try:
        return bundle_config(bundle, trust=trust), []
    except UntrustedError:
        if bundle.kind is not Kind.labels:
            raise
    return None, [f"without {with_commas(own)}, which code gives that the model's config names: --trust runs it"]


def _told(given: GivenRows, task: Task, evaluation: Evaluation, *, source: Path, experiment: str | None) -> ModelScores:
    scored = given.scored
    answered = _beside(given, task.predictions(evaluation.tally, evaluation.generated, scored))
    details = task.details(evaluation.tally)
    counts = given.left_out, given.notes, given.blank
    return ModelScores(evaluation.scores, len(scored), details, answered, source, experiment, *counts)


def _with_seen(scores: ModelScores, given: GivenRows, seen: Sequence[int] | None) -> ModelScores:
    """With how many of the rows the model was trained on, which a note tells where there are any."""
    if not seen:
        return scores._replace(num_seen=None if seen is None else 0)
    note = f"{said_of_seen(given, seen)}, so the scores are too good for rows that it has not seen"
    return scores._replace(num_seen=len(seen), notes=[*scores.notes, note])


def _beside(given: GivenRows, answers: Sequence[Any]) -> list[dict[str, Any]]:
    """Rows as they were read, each with its answer, None for those left out; none where nothing was answered."""
    if not answers:
        return []
    name = free_names([PREDICTION], {str(column) for row in given.rows for column in row})[PREDICTION]
    found = iter(answers)
    answer_of = (None if example is None else next(found) for example in given.examples)
    return [{**row, name: answer} for row, answer in zip(given.rows, answer_of, strict=True)]


def _with_labels(checkpoint: Checkpoint) -> TrialConfig:
    """The checkpoint's config, which knows the names of its classes now."""
    task, labels = checkpoint.config.task, checkpoint.record.labels
    if not isinstance(task, ClassificationTask) or task.labels:
        return checkpoint.config
    return checkpoint.config._replace(task=replace(task, labels=list(labels)))


def _with_columns(config: TrialConfig, columns: EvaluationColumns) -> TrialConfig:
    data = config.data
    if config.task.name != "similarity":
        _check_pairs(columns, takes_pairs=data.text_pair_column is not None)
    own = replace(
        data,
        text_column=columns.text or data.text_column,
        text_pair_column=columns.text_pair or data.text_pair_column,
        label_column=columns.label or data.label_column,
        target_column=columns.label or data.target_column,
    )
    return config._replace(data=own)


def _check_pairs(columns: EvaluationColumns, *, takes_pairs: bool) -> None:
    if columns.text_pair is not None and not takes_pairs:
        raise DataError(
            f"{columns.keys.text_pair} is '{columns.text_pair}', and the model takes single texts; leave it out"
        )


def bundle_rows(
    bundle: Bundle, rows: str | Sequence[Row], columns: EvaluationColumns, *, trust: bool = False
) -> GivenRows:
    """Rows as the bundle's task sees them.

    Raises:
        DataError: A column is missing, no row has a text, or a label is none of the bundle's.
        UntrustedError: The task is read as its config says, which names code, and `trust` is false.
    """
    if bundle.kind is not Kind.labels:
        config = bundle_config(bundle, trust=trust)
        asked = _with_columns(config, columns)
        given = read_examples(rows, asked)
        check_targets(given, config, bundle.labels, key=columns.keys.label)
        return given._replace(notes=[*given.notes, *row_notes(given.scored, asked)])
    _check_pairs(columns, takes_pairs=bundle.takes_pairs)
    read = located(rows)
    found = _labelled_columns(bundle, columns, read)
    given = given_rows(read, lambda row, where: labelled_example(row, found, where), name=name_of(rows))
    check_labels(given, bundle.labels, labels_in, key=columns.keys.label)
    return given._replace(notes=[*given.notes, *_labelled_notes(given.scored, found)])


def _labelled_notes(examples: Sequence[Example], columns: LabelledColumns) -> list[str]:
    texts = text_notes(examples, text_column=columns.text_column, pair_column=columns.text_pair_column)
    lists = list_notes(examples, columns.label_column) if columns.multi_label else []
    read = {columns.text_column, columns.label_column, columns.text_pair_column or ""}
    return [*texts, *lists, *unread_notes(examples, read)]


def _labelled_columns(bundle: Bundle, columns: EvaluationColumns, rows: Sequence[LocatedRow]) -> LabelledColumns:
    """Those that the user names, those of training, or the usual ones; the first row tells which there are.

    Raises:
        DataError: It has neither the column of training nor the usual one.
    """

    def column(given: str | None, trained: str | None, usual: str, key: str) -> str:
        names = [given] if given else list(dict.fromkeys(name for name in (trained, usual) if name))
        return present_column(rows[0].row, names, rows[0].where, key) if rows else names[0]

    trained, keys = bundle.columns, columns.keys
    pair = column(columns.text_pair, trained.text_pair, "text_pair", keys.text_pair) if bundle.takes_pairs else None
    return LabelledColumns(
        column(columns.text, trained.text, "text", keys.text),
        column(columns.label, trained.label, "label", keys.label),
        pair,
        bundle.multi_label,
        bundle.labels,
        columns.keys,
    )
