"""Packages that a config needs beside a plain install: what is missing is told before anything runs."""

from collections.abc import Iterator

from slimtune.export.config import OnnxExport
from slimtune.training.config.data import DataConfig
from slimtune.training.config.fit import FitConfig, OptimizerName
from slimtune.training.config.trial import TrialConfig
from slimtune.training.extras import METRIC_PACKAGES, missing

HUB = "hub:"


def missing_packages(trial: TrialConfig, export: object) -> list[str]:
    """One sentence for each extra that is needed and not installed, with the command that installs it."""
    said: dict[str, str] = {}
    for package, needed_for in _needed(trial, export):
        for problem in missing(package, needed_for=needed_for):
            # one command mends all that need it
            said.setdefault(problem.rpartition(";")[2], problem)
    return list(said.values())


def _needed(trial: TrialConfig, export: object) -> Iterator[tuple[str, str]]:
    """Packages by the name that is imported, and what asks for each."""
    if trial.model.quantization is not None:
        yield "bitsandbytes", f"model.quantization={trial.model.quantization.value}"
    if _is_of_bitsandbytes(trial.fit):
        yield "bitsandbytes", f"fit.optimizer={trial.fit.optimizer.value}"
    for metric in trial.task.metrics:
        if metric.startswith(HUB):
            yield "evaluate", f"task.metrics={metric}"
        elif metric in METRIC_PACKAGES:
            yield METRIC_PACKAGES[metric], f"task.metrics={metric}"
    if trial.tracking.tensorboard:
        yield "tensorboard", "tracking.tensorboard=true"
    if trial.tracking.wandb:
        yield "wandb", "tracking.wandb=true"
    if any(name.startswith(HUB) for name in _file_names(trial.data)):
        yield "datasets", "data=hub"
    if isinstance(export, OnnxExport):
        yield from _needed_by_export(export)


def _file_names(data: DataConfig) -> Iterator[str]:
    for value in (data.train_file, data.validation_file, data.test_file):
        yield from (str(name) for name in (value if isinstance(value, list) else [value]) if name is not None)


def _is_of_bitsandbytes(fit: FitConfig) -> bool:
    return fit.optimizer not in (OptimizerName.adamw, OptimizerName.adafactor)


def _needed_by_export(export: OnnxExport) -> Iterator[tuple[str, str]]:
    for package in ("onnx", "onnxruntime", "onnxscript"):
        yield package, "export=onnx"
    for kind in export.bitsandbytes:
        yield "bitsandbytes", f"export.bitsandbytes={kind.value}"
    for precision in export.genai:
        yield "onnxruntime_genai", f"export.genai={precision.value}"
