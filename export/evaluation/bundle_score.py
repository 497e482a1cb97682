"""A bundle's scores on rows, by the task that it was trained for."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from transformers import AutoTokenizer

from slimtune.export.bundle.bundle import MANIFEST, TOKENIZER, Bundle
from slimtune.export.graph_names import Kind
from slimtune.export.runtime.classifier import Classifier
from slimtune.export.runtime.execution import execution_for
from slimtune.export.verification.reference import ComparedRows, OnnxRunner
from slimtune.training.broken_files import fault_of
from slimtune.training.config.task import METRIC_KEYS, GenerationTask
from slimtune.training.config.trial import TrialConfig
from slimtune.training.config.trust import recorded_trial
from slimtune.training.data.batching import Batch, EncodedSplit, Targets
from slimtune.training.data.encoding import Encoded
from slimtune.training.data.examples import Example
from slimtune.training.errors import ModelError
from slimtune.training.evaluation.score import Evaluation
from slimtune.training.hardware.threads import free_cores
from slimtune.training.metrics import compute_all
from slimtune.training.models.architecture import Architecture
from slimtune.training.models.config_faults import broken_file
from slimtune.training.stages import told_stage
from slimtune.training.tasks import Task, task_of
from slimtune.training.tasks.classification import Classification
from slimtune.training.tasks.generation import of_architecture
from slimtune.training.tasks.language_modelling import LanguageModelling


class BundleScores(NamedTuple):
    """All scores of a bundle.

    Attributes:
        task: What they are of.
        evaluation: All of the task's.
    """

    task: Task
    evaluation: Evaluation


def bundle_config(bundle: Bundle, *, trust: bool = False) -> TrialConfig:
    """The config that a bundle's model was trained with.

    Raises:
        ModelError: Another version wrote it.
        UntrustedError: It names code, and neither `trust` nor the user's own command allows it.
    """
    return recorded_trial(bundle.manifest.training.config, bundle.folder / MANIFEST, trust=trust)


def score_bundle(bundle: Bundle, examples: Sequence[Example], config: TrialConfig) -> BundleScores:
    """All scores of a bundle, as a checkpoint has them.

    Args:
        bundle: Of any kind.
        examples: The rows, read as the config says.
        config: The bundle's own.

    Raises:
        DataError: The rows have a label that it does not know.
        ModelError: It is a folder for onnxruntime-genai, or its tokenizer's files are broken.
    """
    if bundle.kind is Kind.genai:
        beside = bundle.folder.parent.parent / "bundle"
        raise ModelError(
            f"{bundle.folder} is a folder for onnxruntime-genai, whose graph gives no scores of rows; its manifest "
            f"says how it compares with PyTorch: score the bundle beside it, {beside}, or the checkpoint that both "
            "were made of"
        )
    task = _task(bundle, config, num_rows=len(examples))
    tokenizer = _tokenizer(bundle.folder)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    split = task.split(examples, task.encode(examples, tokenizer), name="given")
    rows = ComparedRows(kind=bundle.kind, task=task, split=split, tokenizer=tokenizer, config=config)
    model = bundle.model
    execution = execution_for(model.target, num_threads=free_cores())
    settings = model.interface.generation
    with told_stage("scores", len(examples)):
        found = rows.run(OnnxRunner(model.folder, rows, model.folder / TOKENIZER, settings, execution=execution))
    scores = compute_all(task.measures, found.tally)
    if found.generated is not None:
        scores |= compute_all(task.measures, found.generated)
    return BundleScores(task, Evaluation(scores, found.tally, found.generated))


def _tokenizer(folder: Path) -> Any:
    try:
        return AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    except Exception as error:
        # any: those of whatever line stumbled over the files
        fault = broken_file(folder) or f"its tokenizer's files do not go together: {fault_of(error)}"
        raise ModelError(f"{folder}: {fault}; export the model again") from error


def _task(bundle: Bundle, config: TrialConfig, *, num_rows: int) -> Task:
    """Without its base model, which need not be there."""
    if not bundle.kind.writes:
        return task_of(config, labels=tuple(bundle.labels))
    data = config.data
    if not isinstance(config.task, GenerationTask):
        return LanguageModelling(data.max_length, tuple(config.task.metrics), config.task.loss)
    architecture = Architecture(bundle.kind is Kind.encoder_decoder, bundle.manifest.interface.max_positions)
    # in training a few rows must do
    return of_architecture(config, architecture).with_generated_rows(num_rows)


def own_metrics(bundle: Bundle) -> list[str]:
    """Metrics of the user's own or of the hub that its model was trained with, by the names of its config."""
    task = bundle.manifest.training.config.get("task") or {}
    return [name for name in task.get("metrics") or () if name not in METRIC_KEYS]


def score_labels(bundle: Bundle, examples: Sequence[Example]) -> BundleScores:
    """All scores of a classifier, which needs no config for it.

    Raises:
        DataError: The rows have a label that it does not know.
    """
    metrics = ("multilabel_f1",) if bundle.multi_label else ("accuracy", "f1")
    task = Classification(tuple(bundle.labels), multi_label=bundle.multi_label, metrics=metrics)
    labels = torch.from_numpy(task.label_ids(examples, split="given"))
    with told_stage("scores", len(examples)):
        logits_NC = Classifier(bundle.model).logits([example.given(pairs=bundle.takes_pairs) for example in examples])
    split = EncodedSplit(Encoded({}, 0), Targets(labels.numpy(), np.ones(len(examples))), examples)
    tally = task.tally(torch.from_numpy(logits_NC), Batch({}, labels), split, range(len(examples)))
    return BundleScores(task, Evaluation(compute_all(task.measures, tally), tally, None))
