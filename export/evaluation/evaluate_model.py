"""Scores of any model on any labelled rows: a checkpoint, a run, a bundle or a registered model."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from slimtune.export.bundle.bundle import MANIFEST, Bundle
from slimtune.export.evaluation.bundle_score import bundle_config, score_bundle, score_labels
from slimtune.export.graph_names import Kind
from slimtune.export.registry.find_bundle import locate_bundle
from slimtune.export.registry.model_uri import MODELS_URI
from slimtune.training.checkpoints.checkpoint import open_checkpoint
from slimtune.training.checkpoints.find import find_checkpoint
from slimtune.training.config.schema import suggestion
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.examples import Example
from slimtune.training.data.labelled_rows import LabelledColumns, labelled_examples
from slimtune.training.data.readers.reader import Row, iter_rows
from slimtune.training.errors import ConfigError, DataError
from slimtune.training.evaluation.test_score import score_checkpoint
from slimtune.training.tasks.rows import read_examples

# the column of an answer
ANSWER = "prediction"


class ModelScores(NamedTuple):
    """All scores of a model on rows, and its answers.

    Attributes:
        scores: Score name to value.
        num_rows: Rows that they are of.
        details: Label by label, where the task has labels.
        predictions: Each row with what the model answers, in `prediction`, or in `model_prediction` if the rows have
            such a column; empty where nothing was answered.
        source: The folder that was scored.
        experiment: Where the model comes from, in the tracker; None if it does not say.
    """

    scores: dict[str, float]
    num_rows: int
    details: Mapping[str, Any]
    predictions: list[dict[str, Any]]
    source: Path
    experiment: str | None


class EvaluationColumns(NamedTuple):
    """Columns of the rows, where they differ from those that the model was trained on."""

    text: str | None = None
    label: str | None = None
    text_pair: str | None = None


TRAINED_COLUMNS = EvaluationColumns()


def evaluate_model(
    model: str | Path,
    *,
    data: str | Sequence[Row],
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
        tracking_uri: The MLflow store of runs and registered models; None is `mlruns/mlflow.db`.
        trust: Whether code that the model's config names may be run, although it was not trained in this process.

    Returns:
        The scores by name, and the model's answer to each row.

    Raises:
        ModelError: There is no such model.
        UntrustedError: Its config names code, and `trust` is false.
        DataError: The rows cannot be read, or have labels that it does not know.
        ConfigError: The task has no such score.

    Example:
        >>> rows = [{"text": "Oh great, another meeting.", "label": "sarcastic"}]
        >>> evaluate_model("outputs/tone/export/bundle", data=rows).scores["accuracy"]  # doctest: +SKIP
        1.0
    """
    scored = _scored(str(model), data, columns, tracking_uri)
    if metric is None:
        return scored
    if metric not in scored.scores:
        raise ConfigError([f"metric is '{metric}'; {suggestion(metric, scored.scores)}"])
    return scored._replace(scores={metric: scored.scores[metric]})


def _scored(model: str, rows: str | Sequence[Row], columns: EvaluationColumns, tracking_uri: str | None) -> ModelScores:
    if model.startswith(MODELS_URI) or (Path(model).expanduser() / MANIFEST).is_file():
        return _score_bundle(locate_bundle(model, tracking_uri), rows, columns)
    checkpoint = open_checkpoint(find_checkpoint(model, tracking_uri))
    examples = read_examples(rows, _with_columns(checkpoint.config, columns))
    task, evaluation = score_checkpoint(checkpoint, examples, name="given")
    details = task.details(evaluation.tally)
    answered = _beside(examples, task.predictions(evaluation.tally, evaluation.generated, examples))
    experiment = str(checkpoint.record.config["search"]["name"])
    return ModelScores(evaluation.scores, len(examples), details, answered, checkpoint.folder, experiment)


def _beside(examples: Sequence[Example], answers: Sequence[Any]) -> list[dict[str, Any]]:
    """Rows as they were read, each with its answer; none where nothing was answered."""
    if not answers:
        return []
    taken = any(ANSWER in example.row for example in examples)
    name = f"model_{ANSWER}" if taken else ANSWER
    return [{**example.row, name: answer} for example, answer in zip(examples, answers, strict=True)]


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
        raise DataError(f"--text-pair-column is '{columns.text_pair}', and the model takes single texts; leave it out")


def bundle_rows(bundle: Bundle, rows: str | Sequence[Row], columns: EvaluationColumns) -> list[Example]:
    """Rows as the bundle's task sees them.

    Raises:
        DataError: A column is missing, or there are no rows.
    """
    if bundle.kind is not Kind.labels:
        return read_examples(rows, _with_columns(bundle_config(bundle), columns))
    read = iter_rows(rows) if isinstance(rows, str) else rows
    text, label = columns.text or "text", columns.label or "label"
    _check_pairs(columns, takes_pairs=bundle.takes_pairs)
    second = (columns.text_pair or "text_pair") if bundle.takes_pairs else None
    return labelled_examples(read, LabelledColumns(text, label, second, bundle.multi_label))


def _score_bundle(bundle: Bundle, rows: str | Sequence[Row], columns: EvaluationColumns) -> ModelScores:
    examples = bundle_rows(bundle, rows, columns)
    if bundle.kind is Kind.labels:
        task, evaluation = score_labels(bundle, examples)
    else:
        task, evaluation = score_bundle(bundle, examples, bundle_config(bundle))
    answered = _beside(examples, task.predictions(evaluation.tally, evaluation.generated, examples))
    details = task.details(evaluation.tally)
    return ModelScores(
        evaluation.scores, len(examples), details, answered, bundle.folder, bundle.manifest.provenance.sweep
    )
