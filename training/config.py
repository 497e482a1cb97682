"""The types of a trial's config. Values live in `conf/`; nothing here has a default."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

from training.data_config import DataConfig, parse_data
from training.method_config import (
    FullConfig,
    LoraConfig,
    MethodConfig,
    PrefixTuningConfig,
    PromptTuningConfig,
    parse_method,
)
from training.schema import Parsed, Rule, above_zero, not_negative, parse_section, share
from training.task_config import ClassificationConfig, TaskConfig, parse_task


class Precision(Enum):
    """Arithmetic of the forward and backward pass; `auto` takes bf16 where the device computes in it natively."""

    auto = "auto"
    fp32 = "fp32"
    bf16 = "bf16"
    fp16 = "fp16"


class Schedule(Enum):
    """How the learning rate moves after the warm-up."""

    linear = "linear"
    cosine = "cosine"
    constant = "constant"


class Optimizer(Enum):
    """What moves the weights: PyTorch's, and for the moments in 8 bits or in pages of host memory bitsandbytes'."""

    adamw = "adamw"
    adamw_8bit = "adamw_8bit"
    paged_adamw = "paged_adamw"
    paged_adamw_8bit = "paged_adamw_8bit"
    adafactor = "adafactor"


class Attention(Enum):
    """transformers' attention implementation; `auto` takes eager for short rows on a CPU, else SDPA."""

    auto = "auto"
    eager = "eager"
    sdpa = "sdpa"
    flash_attention_2 = "flash_attention_2"


class Quantization(Enum):
    """How bitsandbytes keeps the frozen weights."""

    nf4 = "nf4"
    fp4 = "fp4"
    int8 = "int8"


class TrackerName(Enum):
    """Where runs are logged."""

    mlflow = "mlflow"
    none = "none"


class CheckpointPolicy(Enum):
    """Whose checkpoints are uploaded to the tracker."""

    all = "all"
    best = "best"
    none = "none"


AUTO = "auto"


def is_auto_or_count(value: Any) -> bool:
    """Whether a value is the word `auto` or a whole number above 0."""
    return value == AUTO or (isinstance(value, int) and not isinstance(value, bool) and value > 0)


@dataclass(slots=True, kw_only=True)
class ModelConfig:
    """Attributes:
    name_or_path: A local folder, a hub name, or `package:<module>/<folder>`; null with `scratch`.
    scratch: Config of a model that is made anew, as transformers' config class of its `model_type` takes it; its
        tokenizer is trained on the training rows. Null loads a checkpoint.
    seed: Draws the weights of such a model.
    revision: Hub revision; null is the default branch.
    attention: Attention implementation.
    quantization: Keep the frozen weights in 4 bits (`nf4`, `fp4`; Dettmers et al. 2023,
        https://arxiv.org/abs/2305.14314) or in 8 (`int8`; Dettmers et al. 2022, https://arxiv.org/abs/2208.07339).
        Null keeps them as they compute.
    double_quantization: Whether the scales of the 4 bits are quantized too.
    trust_remote_code: Run code that comes with the checkpoint.
    """

    name_or_path: str | None
    scratch: Any
    seed: int = field(metadata=not_negative(0))
    revision: str | None
    attention: Attention
    quantization: Quantization | None
    double_quantization: bool
    trust_remote_code: bool


@dataclass(slots=True, kw_only=True)
class FitConfig:
    """Attributes:
    learning_rate: Peak learning rate.
    batch_size: Rows an optimizer step averages over.
    micro_batch_size: Rows in memory at once; `auto` is the batch size, halved whenever memory was too small. The
        result does not depend on it.
    epochs: Passes over the training rows; may be a fraction.
    max_steps: Optimizer steps after which to stop even if epochs are left; null is no limit.
    optimizer: What moves the weights.
    head_lr_ratio: The learning rate of layers that the checkpoint lacked, over that of the others.
    loraplus_lr_ratio: The learning rate of LoRA's B over that of A (Hayou et al. 2024,
        https://arxiv.org/abs/2402.12354).
    schedule: Learning rate after the warm-up.
    warmup_share: Share of the steps in which the learning rate rises linearly from 0.
    weight_decay: Decoupled decay (AdamW) of matrices; biases and norms are spared.
    max_grad_norm: Global gradient norm above which gradients are scaled down; null does not clip.
    label_smoothing: Share of the target probability spread over all classes.
    gradient_checkpointing: Compute the layers' activations again in the backward pass instead of keeping them: less
        memory, a third more time. Such a trial shares no passes.
    precision: Arithmetic of forward and backward.
    device: `auto`, `cpu`, `cuda` or `cuda:<index>`.
    devices: Processes that train the trial together, each on rows of its own, with a device or a share of the cores
        each. But for dropout, the result does not depend on it.
    fsdp: Share the weights, gradients and moments out over `devices` instead of a copy on each: less memory, more
        messages. The weights alone must fit on one device, where the model is evaluated.
    threads: CPU threads of one worker; null shares the cores among the workers.
    slots: Trials that one worker trains at once on one base; null times what is faster, once for a machine.
    compile: Whether torch.compile makes the forward and backward pass; null compiles trials of 20,000 steps or more.
        A compiled trial shares no passes.
    eval_every: Training examples between evaluations; below 1 a share of an epoch; null is once an epoch.
    eval_batch_size: Rows of one evaluation batch; null is as many as the device runs well.
    max_memory_mb: Memory in 10^6 bytes that the process may take on its device; null is what is free. A trial that
        needs more is not begun, and recorded as out of memory.
    save_minutes: Minutes between saves of the state that a killed trial goes on from; null saves none. The result does
        not depend on it.
    patience: Evaluations without improvement after which the trial stops; null never stops early.
    min_improvement: Smallest gain of the metric that counts as improvement.
    seed: Fixes initialisation, data order and dropout.
    """

    learning_rate: float = field(metadata=above_zero("2e-4"))
    batch_size: int = field(metadata=above_zero(16))
    micro_batch_size: Any = field(
        metadata={"rule": Rule("use auto or a whole number above 0, e.g. 8", is_auto_or_count)}
    )
    epochs: float = field(metadata=above_zero(3))
    max_steps: int | None = field(metadata=above_zero(500))
    optimizer: Optimizer
    head_lr_ratio: float = field(metadata=above_zero(5))
    loraplus_lr_ratio: float = field(metadata=above_zero(16))
    schedule: Schedule
    warmup_share: float = field(metadata=share(0.06))
    weight_decay: float = field(metadata=not_negative(0.01))
    max_grad_norm: float | None = field(metadata=above_zero(1.0))
    label_smoothing: float = field(metadata=share(0.1))
    gradient_checkpointing: bool
    precision: Precision
    device: str
    devices: int = field(metadata=above_zero(2))
    fsdp: bool
    threads: int | None = field(metadata=above_zero(2))
    slots: int | None = field(
        metadata={"rule": Rule("use a number from 1 to 64, e.g. 4", lambda value: 1 <= value <= 64)}
    )
    compile: bool | None
    eval_every: float | None = field(metadata=above_zero(1000))
    eval_batch_size: int | None = field(metadata=above_zero(64))
    max_memory_mb: float | None = field(metadata=above_zero(8000))
    save_minutes: float | None = field(metadata=not_negative(5))
    patience: int | None = field(metadata=above_zero(3))
    min_improvement: float = field(metadata=not_negative(0.001))
    seed: int = field(metadata=not_negative(0))

    @property
    def rows_at_once(self) -> int:
        """Rows of a micro-batch, while memory is enough."""
        return self.batch_size if self.micro_batch_size == AUTO else int(self.micro_batch_size)


@dataclass(slots=True, kw_only=True)
class TrackingConfig:
    """Attributes:
    name: `none` logs nothing.
    uri: MLflow tracking URI; null is `mlruns/mlflow.db` (SQLite) under the working directory.
    experiment: MLflow experiment; null is the sweep's name.
    checkpoints: Whose checkpoints are uploaded as artifacts.
    log_every: Optimizer steps between training metrics.
    """

    name: TrackerName
    uri: str | None
    experiment: str | None
    checkpoints: CheckpointPolicy
    log_every: int = field(metadata=above_zero(10))


class TrialConfig(NamedTuple):
    """Everything that one trial is a function of."""

    task: TaskConfig
    data: DataConfig
    model: ModelConfig
    method: MethodConfig
    fit: FitConfig
    tracking: TrackingConfig


def parse_trial(values: Mapping[str, Any]) -> Parsed:
    """A `TrialConfig` from the composed config, or every problem in it."""
    parts = {
        "task": parse_task(values.get("task")),
        "data": parse_data(values.get("data")),
        "model": parse_section(ModelConfig, values.get("model"), "model"),
        "method": parse_method(values.get("method")),
        "fit": parse_section(FitConfig, values.get("fit"), "fit"),
        "tracking": parse_section(TrackingConfig, values.get("tracking"), "tracking"),
    }
    problems = [problem for part in parts.values() for problem in part.problems]
    config = TrialConfig(**{name: part.section for name, part in parts.items()})
    if not problems:
        problems = _cross_problems(config)
    return Parsed(None if problems else config, problems)


def _cross_problems(config: TrialConfig) -> list[str]:
    fit = config.fit
    problems = [*_model_problems(config.model), *_smoothing_problems(config)]
    if fit.loraplus_lr_ratio != 1 and not isinstance(config.method, LoraConfig):
        problems.append(
            f"fit.loraplus_lr_ratio is {fit.loraplus_lr_ratio:g}, and method={config.method.name} has no B; use 1"
        )
    if fit.rows_at_once > fit.batch_size:
        problems.append(
            f"fit.micro_batch_size is {fit.micro_batch_size}; use at most fit.batch_size ({fit.batch_size})"
        )
    if config.model.scratch is not None and not isinstance(config.method, FullConfig):
        problems.append(
            f"method.name is {config.method.name}, but model.scratch draws its weights, which nobody has trained; "
            "use method=full"
        )
    if config.model.quantization is not None and isinstance(config.method, FullConfig):
        problems.append(
            f"model.quantization is {config.model.quantization.value}, and method=full would train those weights; "
            "use method=lora, or model.quantization=null"
        )
    if fit.gradient_checkpointing and isinstance(config.method, PrefixTuningConfig):
        problems.append(
            "fit.gradient_checkpointing is true, with which layers take no prefix; use false, or another method"
        )
    if fit.devices > 1 and fit.slots is not None and fit.slots > 1:
        problems.append(
            f"fit.devices is {fit.devices} and fit.slots is {fit.slots}; a trial on several devices shares no passes"
        )
    if fit.fsdp:
        problems += _fsdp_problems(config)
    if fit.compile and fit.slots is not None and fit.slots > 1:
        problems.append(f"fit.compile is true and fit.slots is {fit.slots}; shared passes are not compiled: drop one")
    return problems


def _fsdp_problems(config: TrialConfig) -> list[str]:
    """What cannot be shared out over devices."""
    fit = config.fit
    rules = (
        (fit.devices == 1, "fit.devices is 1: there is nothing to share; use 2 or more"),
        (fit.optimizer is not Optimizer.adamw, f"fit.optimizer is {fit.optimizer.value}; use adamw"),
        (fit.precision is Precision.fp16, "fit.precision is fp16; use bf16 or fp32"),
        (bool(fit.compile), "fit.compile is true; use false"),
        (config.model.quantization is not None, "the base is quantized; use method=lora or method=full"),
        (
            isinstance(config.method, PromptTuningConfig | PrefixTuningConfig),
            f"method is {config.method.name}; use lora, adapters, ia3 or full",
        ),
    )
    return [f"fit.fsdp is true, and {text}" for broken, text in rules if broken]


def _model_problems(model: ModelConfig) -> list[str]:
    if (model.name_or_path is None) == (model.scratch is None):
        return ["model.name_or_path and model.scratch: set one of them; the other is null"]
    if model.scratch is None:
        return []
    if not isinstance(model.scratch, Mapping) or not {"model_type", "vocab_size"} <= set(model.scratch):
        return [
            f"model.scratch is {model.scratch!r}; use a mapping with model_type and vocab_size, e.g. model=tiny_llama"
        ]
    return []


def _smoothing_problems(config: TrialConfig) -> list[str]:
    if config.fit.label_smoothing == 0:
        return []
    task = config.task
    if (
        task.loss is not None
        or task.name == "similarity"
        or (isinstance(task, ClassificationConfig) and task.multi_label)
    ):
        return [f"fit.label_smoothing is {config.fit.label_smoothing:g}, which this task's loss has not; use 0"]
    return []
