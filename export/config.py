"""The types of the export's config. Values live in `conf/export/`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any

from training.config import TrialConfig
from training.method_config import PrefixTuningConfig, PromptTuningConfig
from training.schema import Parsed, Rule, above_zero, parse_section, share, suggestion
from training.task_config import ClassificationConfig


class Variant(Enum):
    """What is tried beside fp32."""

    fp16 = "fp16"
    int8_dynamic = "int8_dynamic"
    int8_blockwise = "int8_blockwise"
    int8_static = "int8_static"
    int4_blockwise = "int4_blockwise"


class Calibration(Enum):
    """How `int8_static` takes the ranges of activations from training rows."""

    minmax = "minmax"
    entropy = "entropy"
    percentile = "percentile"


class Objective(Enum):
    """What is best of the variants that pass."""

    size = "size"
    latency = "latency"


def _is_block(size: int) -> bool:
    return size in (16, 32, 64, 128, 256)


def _is_name(name: str) -> bool:
    return bool(name) and not set(name) & set("/:@")


def _is_alias(alias: str) -> bool:
    return bool(re.fullmatch(r"[\w-]+", alias)) and not re.fullmatch(r"latest|v\d+|\d+", alias, re.IGNORECASE)


@dataclass(slots=True, kw_only=True)
class NoExport:
    """Nothing is exported; the best checkpoint is the result."""

    name: str


@dataclass(slots=True, kw_only=True)
class OnnxExport:
    """Attributes:
    name: `onnx`.
    opset: ONNX operator set.
    variants: What is tried beside fp32; an empty list tries nothing.
    per_channel: One scale for each output channel, and each dimension of an embedding, instead of one for a matrix.
    block_size: Weights that share a scale in `int8_blockwise` and `int4_blockwise`.
    symmetric: Whether such blocks do without a zero point.
    calibration: How `int8_static` takes the ranges of activations.
    calibration_rows: Training rows that it takes them from.
    keep_sensitive: Whether a variant that is refused is tried again with the layers in fp32 that cost it most.
    objective: What is best of the variants that pass.
    max_metric_drop: Largest loss of the task's metric on the validation rows that a variant may have.
    min_agreement: Least share of validation rows on which a variant gives PyTorch's label.
    max_size_mb: Largest model file in 10^6 bytes; null is no limit.
    max_latency_ms: Longest median time of one row, on the machine of the export; null is no limit.
    registered_model: Name in the registry.
    alias: Alias that the version gets once it passes the gate.
    """

    name: str
    opset: int = field(metadata={"rule": Rule("use an opset from 18 to 23, e.g. 20", lambda value: 18 <= value <= 23)})
    variants: list[Variant]
    per_channel: bool
    block_size: int = field(metadata={"rule": Rule("use 16, 32, 64, 128 or 256", _is_block)})
    symmetric: bool
    calibration: Calibration
    calibration_rows: int = field(metadata=above_zero(128))
    keep_sensitive: bool
    objective: Objective
    max_metric_drop: float = field(metadata=share(0.01))
    min_agreement: float = field(metadata={"rule": Rule("use a share in [0, 1], e.g. 0.99", lambda v: 0 <= v <= 1)})
    max_size_mb: float | None = field(metadata=above_zero(30))
    max_latency_ms: float | None = field(metadata=above_zero(10))
    registered_model: str = field(metadata={"rule": Rule("use a name without '/', ':' and '@'", _is_name)})
    alias: str = field(metadata={"rule": Rule("use a word such as champion; MLflow keeps latest and v1", _is_alias)})


ExportConfig = NoExport | OnnxExport
EXPORTS: dict[str, type] = {"none": NoExport, "onnx": OnnxExport}


def parse_export(values: Any) -> Parsed:
    """The export section, or every problem in it."""
    name = values.get("name") if isinstance(values, Mapping) else values
    if name not in EXPORTS:
        return Parsed(None, [f"export is {name!r}; {suggestion(str(name), EXPORTS)}"])
    if name == "none" and isinstance(values, Mapping):
        # an experiment may have settings for an export that this run skips
        skipped = {item.name for item in fields(OnnxExport)} - {"name"}
        values = {key: value for key, value in values.items() if key not in skipped}
    return parse_section(EXPORTS[name], values, "export")


def export_problems(trial: TrialConfig) -> list[str]:
    """Why a trial's model cannot be exported, as problems of its config."""
    task = trial.task
    if not isinstance(task, ClassificationConfig):
        return [f"export is onnx, which has no graph for task={task.name} yet; use export=none"]
    if isinstance(trial.method, PromptTuningConfig | PrefixTuningConfig):
        return [
            f"export is onnx, and the virtual tokens of method={trial.method.name} have no weights; use export=none"
        ]
    if task.metric == "loss" and (task.loss is not None or task.class_weights is not None):
        return ["export is onnx, which cannot measure this task's own loss; use another task.metric, or export=none"]
    return []
