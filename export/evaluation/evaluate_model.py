"""Scores of any model on any labelled rows: a checkpoint, a run, a bundle or a registered model."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from slimtune.export.bundle.bundle import MANIFEST, Bundle
from slimtune.export.evaluation.bundle_score import bundle_config, score_bundle, score_labels
from slimtune.export.graph_names import Kind
from slimtune.export.registry.find_bundle import SCHEME, locate_bundle
from slimtune.training.checkpoints.checkpoint import read_record, trial_config
from slimtune.training.checkpoints.find import find_checkpoint
from slimtune.training.config.schema import suggestion
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.examples import Example, Labelled, labelled_examples
from slimtune.training.data.readers.reader import Row, iter_rows
from slimtune.training.data.splits import examples_of
from slimtune.training.errors import ConfigError, DataError
from slimtune.training.evaluation.per_label import details_of
from slimtune.training.evaluation.predictions import predictions_of
from slimtune.training.evaluation.test_score import score_checkpoint

# the column of an answer
ANSWER = "prediction"


class Scored(NamedTuple):
    """Attributes:
    scores: Score name to value.
    num_rows: Rows that they are of.
    details: Label by label, where the task has labels.
    predictions: Each row with what the model answers, in `prediction`, or in `model_prediction` if the rows have such a
        column; empty where nothing was answered.
    source: The folder that was scored.
    experiment: Where the model comes from, in the tracker; None if it does not say.
    """

    scores: dict[str, float]
    num_rows: int
    details: Mapping[str, Any]
    predictions: list[dict[str, Any]]
    source: Path
    experiment: str | None


class Columns(NamedTuple):
    """Columns of the rows, where they differ from those that the model was trained on."""

    text: str | None = None
    label: str | None = None
    text_pair: str | None = None


SAME = Columns()


def evaluate_model(
    model_path: str,
    test_dataset: str | Sequence[Row],
    metric_type: str | None = None,
    *,
    columns: Columns = SAME,
    tracking_uri: str | None = None,
) -> dict[str, float]:
    """Scores of a model on labelled rows.

    Args:
        model_path: A checkpoint's or trial's folder, the id of a run, a bundle's folder, or `models:/<name>@<alias>`.
        test_dataset: A name that a reader takes, or rows as dicts.
        metric_type: One score, e.g. `accuracy`; None gives all that the model's task has.
        columns: Of the rows.
        tracking_uri: The MLflow store of runs and registered models.

    Raises:
        ModelError: There is no such model.
        DataError: The rows cannot be read, or have labels that it does not know.
        ConfigError: The task has no such score.
    """
    scores = score_model(model_path, test_dataset, columns=columns, tracking_uri=tracking_uri).scores
    if metric_type is None:
        return scores
    if metric_type not in scores:
        raise ConfigError([f"metric_type is '{metric_type}'; {suggestion(metric_type, scores)}"])
    return {metric_type: scores[metric_type]}


def score_model(
    model: str, rows: str | Sequence[Row], *, columns: Columns = SAME, tracking_uri: str | None = None
) -> Scored:
    """As `evaluate_model`, with where the scores come from."""
    if model.startswith(SCHEME) or (Path(model).expanduser() / MANIFEST).is_file():
        return _score_bundle(locate_bundle(model, tracking_uri), rows, columns)
    checkpoint = find_checkpoint(model, tracking_uri)
    record = read_record(checkpoint)
    config = _with_columns(trial_config(record, checkpoint), columns)
    examples = examples_of(rows, config)
    task, evaluation = score_checkpoint(checkpoint, examples, config, name="given")
    details = details_of(task, evaluation)
    answered = _beside(examples, predictions_of(task, evaluation, examples))
    return Scored(evaluation.scores, len(examples), details, answered, checkpoint, str(record.config["search"]["name"]))


def _beside(examples: Sequence[Example], answers: Sequence[Any]) -> list[dict[str, Any]]:
    """Rows as they were read, each with its answer; none where nothing was answered."""
    if not answers:
        return []
    taken = any(ANSWER in example.row for example in examples)
    name = f"model_{ANSWER}" if taken else ANSWER
    return [{**example.row, name: answer} for example, answer in zip(examples, answers, strict=True)]


def _with_columns(config: TrialConfig, columns: Columns) -> TrialConfig:
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


def _check_pairs(columns: Columns, *, takes_pairs: bool) -> None:
    if columns.text_pair is not None and not takes_pairs:
        raise DataError(f"--text-pair-column is '{columns.text_pair}', and the model takes single texts; leave it out")


def bundle_rows(bundle: Bundle, rows: str | Sequence[Row], columns: Columns) -> list[Example]:
    """Rows as the bundle's task sees them.

    Raises:
        DataError: A column is missing, or there are no rows.
    """
    if bundle.kind is not Kind.labels:
        return examples_of(rows, _with_columns(bundle_config(bundle), columns))
    read = iter_rows(rows) if isinstance(rows, str) else rows
    text, label = columns.text or "text", columns.label or "label"
    _check_pairs(columns, takes_pairs=bundle.takes_pairs)
    second = (columns.text_pair or "text_pair") if bundle.takes_pairs else None
    return labelled_examples(read, Labelled(text, label, second, bundle.multi_label))


def _score_bundle(bundle: Bundle, rows: str | Sequence[Row], columns: Columns) -> Scored:
    examples = bundle_rows(bundle, rows, columns)
    if bundle.kind is Kind.labels:
        task, evaluation = score_labels(bundle, examples)
    else:
        task, evaluation = score_bundle(bundle, examples, bundle_config(bundle))
    answered = _beside(examples, predictions_of(task, evaluation, examples))
    details = details_of(task, evaluation)
    return Scored(evaluation.scores, len(examples), details, answered, bundle.folder, bundle.manifest.get("sweep"))
