"""The types of the export's config. Values live in `conf/export/`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from importlib import resources
from typing import Any

from omegaconf import OmegaConf

from slimtune.export.graph_names import Kind
from slimtune.export.precisions import GenaiPrecision, MergedPrecision
from slimtune.training.config.method import AdaptersMethod, PrefixTuningMethod, PromptTuningMethod
from slimtune.training.config.model import Quantization
from slimtune.training.config.schema import Parsed, Rule, above_zero, option_suggestion, parse_section, share
from slimtune.training.config.task import ClassificationTask, GenerationTask, LanguageModellingTask, TaskConfig
from slimtune.training.config.trial import TrialConfig
from slimtune.training.errors import ConfigError


class Variant(Enum):
    """What is tried beside fp32."""

    fp16 = "fp16"
    int8_dynamic = "int8_dynamic"
    int8_blockwise = "int8_blockwise"
    int8_split = "int8_split"
    int8_static = "int8_static"
    int4_blockwise = "int4_blockwise"


class Calibration(Enum):
    """How `int8_static` takes the ranges of activations from training rows."""

    minmax = "minmax"
    entropy = "entropy"
    percentile = "percentile"


class Int4Algorithm(Enum):
    """How `int4_blockwise` chooses the 4 bits of a block; none of them needs rows."""

    rtn = "rtn"
    hqq = "hqq"
    k_quant = "k_quant"


class VariantObjective(Enum):
    """What is best of the variants that pass."""

    size = "size"
    latency = "latency"


# onnxruntime's execution providers that a bundle may be built for
PROVIDERS = (
    *("CPUExecutionProvider", "CUDAExecutionProvider", "TensorrtExecutionProvider", "NvTensorRTRTXExecutionProvider"),
    *("MIGraphXExecutionProvider", "DmlExecutionProvider", "WebGpuExecutionProvider", "OpenVINOExecutionProvider"),
    *("QNNExecutionProvider", "VitisAIExecutionProvider", "CoreMLExecutionProvider", "XnnpackExecutionProvider"),
)


MAX_NAME = 200
NAME_RULE = (
    "use a name of up to 200 characters without / : @ ? # % \\, blanks at its ends, or both kinds of quotes; it is "
    "search.name where none is set, which export.registered_model=... leaves as it is"
)
# for who passes the gate's rules and is not shown to be better: asked for by name it would prove nothing
CHALLENGER = "challenger"
ALIAS_RULE = f"use a word such as champion; MLflow keeps latest and v1, and the gate gives {CHALLENGER} by itself"
BLOCK_SIZES = (16, 32, 64, 128, 256)
EMBEDDING_BITS = (8, 4)


def _is_block(size: int) -> bool:
    return size in BLOCK_SIZES


def is_model_name(name: str) -> bool:
    """What MLflow and its `models:/` URIs take."""
    has_both_quotes = {"'", '"'} <= set(name)
    fits = name == name.strip() and name.isprintable() and len(name) <= MAX_NAME
    return bool(name) and fits and not has_both_quotes and not set(name) & set("/:@?#%\\")


def is_alias(alias: str) -> bool:
    """What may be asked for: what MLflow takes for the name of an alias, other than the challenger's."""
    kept = rf"latest|v\d+|\d+|{CHALLENGER}"
    return bool(re.fullmatch(r"[\w-]+", alias)) and not re.fullmatch(kept, alias, re.IGNORECASE)


@dataclass(slots=True, kw_only=True)
class NoExport:
    """Nothing is exported; the best checkpoint is the result."""

    name: str


@dataclass(slots=True, kw_only=True)
class TargetConfig:
    """What a bundle is built for.

    Attributes:
        name: cpu, cuda, directml, openvino, qnn, or that of a file of your own.
        provider: onnxruntime's execution provider.
        provider_options: What the provider is given.
        static_batch: Rows of every batch, for devices that take no other shape; null leaves them free.
        static_length: Tokens of every row, those of padding among them; null leaves them free.
    """

    name: str
    provider: str = field(metadata={"rule": Rule(f"use one of {', '.join(PROVIDERS)}", lambda one: one in PROVIDERS)})
    provider_options: dict[str, str]
    static_batch: int | None = field(metadata=above_zero(1))
    static_length: int | None = field(metadata=above_zero(128))

    @property
    def is_static(self) -> bool:
        """Whether any size of its graphs is fixed."""
        return self.static_batch is not None or self.static_length is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a variant may cost.

    Attributes:
        max_metric_drop: Largest loss of the task's metric on the validation rows.
        min_agreement: Least share of answers on the validation rows in common with PyTorch.
        max_size_mb: Largest model file in 10^6 bytes; None is no limit.
        max_latency_ms: Longest median time of one row, on the machine of the export; None is no limit.
    """

    max_metric_drop: float
    min_agreement: float
    max_size_mb: float | None
    max_latency_ms: float | None


@dataclass(slots=True, kw_only=True)
class OnnxExport:
    """What is built of a checkpoint, and what a variant may cost.

    Attributes:
        name: `onnx`.
        target: What the bundle is built for.
        opset: ONNX operator set.
        variants: What is tried beside fp32; an empty list tries nothing.
        per_channel: One scale for each output channel, and each dimension of an embedding, instead of one for a matrix.
        block_size: Weights that share a scale in `int8_blockwise` and `int4_blockwise`; of embeddings in `int8_split`.
        symmetric: Whether such blocks do without a zero point.
        int4_algorithm: How `int4_blockwise` chooses its bits: round to nearest, HQQ (slow to run), or k-quant.
        embedding_bits: Of embedding tables in `int4_blockwise`, 8 or 4.
        calibration: How `int8_static` takes the ranges of activations.
        calibration_rows: Training rows that it takes them from, and that weights of `int8_split` are rounded by.
        keep_sensitive: Whether a variant that is refused is tried again with the layers in fp32 that cost it most.
        objective: What is best of the variants that pass.
        max_metric_drop: Largest loss of the task's metric on the validation rows that a variant may have.
        min_agreement: Least share of answers on the validation rows that a variant must have in common with PyTorch.
        max_size_mb: Largest model file in 10^6 bytes; null is no limit.
        max_latency_ms: Longest median time of one row, on the machine of the export; null is no limit.
        merged: Precisions in which the merged model is written beside the bundle, as folders of transformers.
        bitsandbytes: Checkpoints of transformers in few bits that are written beside the bundle.
        genai: Folders for onnxruntime-genai that are built of a causal model beside the bundle.
        registered_model: Name in the registry.
        alias: Alias that the version gets once it passes the gate.
    """

    name: str
    target: TargetConfig
    opset: int = field(metadata={"rule": Rule("use an opset from 18 to 23, e.g. 20", lambda value: 18 <= value <= 23)})
    variants: list[Variant]
    per_channel: bool
    block_size: int = field(metadata={"rule": Rule("use 16, 32, 64, 128 or 256", _is_block)})
    symmetric: bool
    int4_algorithm: Int4Algorithm
    embedding_bits: int = field(metadata={"rule": Rule("use 8 or 4", lambda bits: bits in EMBEDDING_BITS)})
    calibration: Calibration
    calibration_rows: int = field(metadata=above_zero(128))
    keep_sensitive: bool
    objective: VariantObjective
    max_metric_drop: float = field(metadata=share(0.01))
    min_agreement: float = field(metadata={"rule": Rule("use a share in [0, 1], e.g. 0.99", lambda v: 0 <= v <= 1)})
    max_size_mb: float | None = field(metadata=above_zero(30))
    max_latency_ms: float | None = field(metadata=above_zero(10))
    merged: list[MergedPrecision]
    bitsandbytes: list[Quantization]
    genai: list[GenaiPrecision]
    registered_model: str = field(metadata={"rule": Rule(NAME_RULE, is_model_name)})
    alias: str = field(metadata={"rule": Rule(ALIAS_RULE, is_alias)})

    @property
    def limits(self) -> Limits:
        """What a variant may cost."""
        return Limits(
            max_metric_drop=self.max_metric_drop,
            min_agreement=self.min_agreement,
            max_size_mb=self.max_size_mb,
            max_latency_ms=self.max_latency_ms,
        )


ExportConfig = NoExport | OnnxExport
EXPORTS: dict[str, type] = {"none": NoExport, "onnx": OnnxExport}


# in place of a target that has problems, so that those of other keys are found as well
_SOUND: Mapping[str, Any] = {
    "name": "",
    "provider": PROVIDERS[0],
    "provider_options": {},
    "static_batch": None,
    "static_length": None,
}


def parse_export(values: Any) -> Parsed[ExportConfig]:
    """The export section, or every problem in it."""
    name = values.get("name") if isinstance(values, Mapping) else values
    if not isinstance(name, str) or name not in EXPORTS:
        return Parsed(None, [f"export is {name!r}; {option_suggestion(str(name), EXPORTS)}"])
    if name == "none" and isinstance(values, Mapping):
        # an experiment may have settings for an export that this run skips
        skipped = {item.name for item in fields(OnnxExport)} - {"name"}
        values = {key: value for key, value in values.items() if key not in skipped}
    if name == "none" or not isinstance(values, Mapping) or "target" not in values:
        return parse_section(EXPORTS[name], values, "export")
    # by itself first: a section inside another one would be checked for its types alone
    target = parse_section(TargetConfig, values["target"], "export.target")
    rest = parse_section(OnnxExport, {**values, "target": _SOUND} if target.problems else values, "export")
    problems = [*target.problems, *rest.problems]
    return Parsed(None if problems else rest.found, problems)


def onnx_config(**changes: Any) -> OnnxExport:
    """The config group `export=onnx` for the CPU, as its files have it, with changes.

    Args:
        changes: Keys of the group and their values, as a file would have them.

    Raises:
        ConfigError: A key or value is wrong.

    Example:
        >>> onnx_config(variants=["int8_dynamic"], min_agreement=0.98).limits.min_agreement
        0.98
    """
    parsed = parse_export({**_file("onnx"), "target": _file("target/cpu"), "registered_model": "model", **changes})
    if parsed.problems:
        raise ConfigError(parsed.problems)
    assert isinstance(parsed.section, OnnxExport)
    return parsed.section


def _file(name: str) -> dict[str, Any]:
    text = resources.files("slimtune.conf").joinpath(f"export/{name}.yaml").read_text(encoding="utf-8")
    values: dict[str, Any] = OmegaConf.to_container(OmegaConf.create(text))  # type: ignore[assignment]
    return {key: value for key, value in values.items() if key != "defaults"}


def export_problems(trial: TrialConfig, config: OnnxExport) -> list[str]:
    """Why a trial's model cannot be exported, as problems of its config."""
    task, problems = trial.task, []
    if isinstance(trial.method, PromptTuningMethod | PrefixTuningMethod):
        problems.append(
            f"export is onnx, and the virtual tokens of method={trial.method.name} have no weights; use export=none"
        )
    if isinstance(task, ClassificationTask) and task.metric == "loss" and (task.loss or task.class_weights):
        problems.append(
            "export is onnx, which cannot measure this task's own loss; use another task.metric, or export=none"
        )
    if isinstance(task, GenerationTask) and task.num_beams > 1:
        problems.append(
            f"task.num_beams is {task.num_beams}, but an exported model decodes greedily; use 1, or export=none"
        )
    writes = isinstance(task, GenerationTask | LanguageModellingTask)
    if writes and Variant.int8_static in config.variants:
        problems.append("export.variants has int8_static, which is for encoders; use int8_dynamic or int8_blockwise")
    if config.genai and not writes:
        problems.append(f"export.genai is for causal models, and task={task.name} has none; use export.genai=[]")
    if isinstance(trial.method, AdaptersMethod):
        problems += [
            f"export.{key} takes plain weights, which those of method=adapters are not merged into; use "
            f"export.{key}=[] or method=lora"
            for key in ("genai", "merged", "bitsandbytes")
            if getattr(config, key)
        ]
    return problems + _shape_problems(config.target, max_length=trial.data.max_length, writes=writes)


def kind_of_task(task: TaskConfig, export_kind: str | None) -> Kind:
    """How the models of a task are exported and run, by what its class says.

    Raises:
        ConfigError: They are not, or the class names no kind.
    """
    if export_kind is None:
        problem = f"export is onnx, which has no graph for task={task.name} (its export_kind is None); use export=none"
        raise ConfigError([problem])
    known = [kind.value for kind in Kind]
    if export_kind not in known:
        raise ConfigError(
            [f"task.name is '{task.name}', whose export_kind is '{export_kind}'; known: {', '.join(known)}"]
        )
    return Kind(export_kind)


def check_static_length(target: TargetConfig, positions: int | None) -> None:
    """Whether a model has positions for rows of the target's length; None is any number.

    Raises:
        ConfigError: It has fewer.
    """
    if target.static_length is not None and positions is not None and target.static_length > positions:
        raise ConfigError(
            [
                f"export.target.static_length is {target.static_length}, more than the model's {positions} positions; "
                f"use export.target.static_length={positions}"
            ]
        )


def _shape_problems(target: TargetConfig, *, max_length: int, writes: bool) -> list[str]:
    """Why a model cannot have the target's shapes."""
    if writes and target.is_static:
        sizes = f"static_batch {target.static_batch} and static_length {target.static_length}"
        return [
            f"export.target has {sizes}, which are for encoders: what a model writes grows token by token; "
            "set both to null, or use another export/target"
        ]
    if target.static_length is not None and max_length > target.static_length:
        return [
            f"export.target.static_length is {target.static_length}, but data.max_length is {max_length}; "
            f"use export.target.static_length={max_length}"
        ]
    return []
