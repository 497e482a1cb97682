"""The types of a trial's config. Values live in `conf/`; nothing here has a default."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

from training.data_config import DataConfig, parse_data
from training.schema import Parsed, Rule, above_zero, not_negative, parse_section, share, suggestion
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


class Attention(Enum):
    """transformers' attention implementation; `auto` takes eager for short rows on a CPU, else SDPA."""

    auto = "auto"
    eager = "eager"
    sdpa = "sdpa"
    flash_attention_2 = "flash_attention_2"


class TrackerName(Enum):
    """Where runs are logged."""

    mlflow = "mlflow"
    none = "none"


class CheckpointPolicy(Enum):
    """Whose checkpoints are uploaded to the tracker."""

    all = "all"
    best = "best"
    none = "none"


@dataclass(slots=True, kw_only=True)
class ModelConfig:
    """Attributes:
    name_or_path: A local folder, a hub name, or `package:<module>/<folder>`; null with `scratch`.
    scratch: Config of a model that is made anew, as transformers' config class of its `model_type` takes it; its
        tokenizer is trained on the training rows. Null loads a checkpoint.
    seed: Draws the weights of such a model.
    revision: Hub revision; null is the default branch.
    attention: Attention implementation.
    trust_remote_code: Run code that comes with the checkpoint.
    """

    name_or_path: str | None
    scratch: Any
    seed: int = field(metadata=not_negative(0))
    revision: str | None
    attention: Attention
    trust_remote_code: bool


@dataclass(slots=True, kw_only=True)
class FullConfig:
    """All weights are trained."""

    name: str


@dataclass(slots=True, kw_only=True)
class LoraConfig:
    """Low-rank adapters (Hu et al. 2021, https://arxiv.org/abs/2106.09685), in peft's terms.

    Attributes:
        name: `lora`.
        r: Rank of the update.
        alpha: The update is scaled by alpha / r; null is twice the rank, so that searching r keeps the scale.
        dropout: Dropout on the adapter's input.
        target_modules: Module names, or the one word `all-linear`.
        modules_to_save: Modules that are trained whole, beside the new head. `auto` stands for BERT's `pooler`, where
            the model has one: checkpoints for sentence embeddings bring one that nobody trained.
    """

    name: str
    r: int = field(metadata=above_zero(8))
    alpha: float | None = field(metadata=above_zero(16))
    dropout: float = field(metadata=share(0.1))
    target_modules: list[str]
    modules_to_save: list[str]


METHODS: dict[str, type] = {"full": FullConfig, "lora": LoraConfig}


@dataclass(slots=True, kw_only=True)
class FitConfig:
    """Attributes:
    learning_rate: Peak learning rate.
    batch_size: Rows an optimizer step averages over.
    micro_batch_size: Rows in memory at once; null is the batch size. The result does not depend on it.
    epochs: Passes over the training rows; may be a fraction.
    max_steps: Optimizer steps after which to stop even if epochs are left; null is no limit.
    schedule: Learning rate after the warm-up.
    warmup_share: Share of the steps in which the learning rate rises linearly from 0.
    weight_decay: Decoupled decay (AdamW) of matrices; biases and norms are spared.
    max_grad_norm: Global gradient norm above which gradients are scaled down; null does not clip.
    label_smoothing: Share of the target probability spread over all classes.
    precision: Arithmetic of forward and backward.
    device: `auto`, `cpu`, `cuda` or `cuda:<index>`.
    threads: CPU threads of one worker; null shares the cores among the workers.
    slots: Trials that one worker trains at once on one base; null times what is faster, once for a machine.
    compile: Whether torch.compile makes the forward and backward pass; null compiles trials of 20,000 steps or more.
        A compiled trial shares no passes.
    eval_every: Training examples between evaluations; below 1 a share of an epoch; null is once an epoch.
    eval_batch_size: Rows of one evaluation batch; null is as many as the device runs well.
    patience: Evaluations without improvement after which the trial stops; null never stops early.
    min_improvement: Smallest gain of the metric that counts as improvement.
    seed: Fixes initialisation, data order and dropout.
    """

    learning_rate: float = field(metadata=above_zero("2e-4"))
    batch_size: int = field(metadata=above_zero(16))
    micro_batch_size: int | None = field(metadata=above_zero(8))
    epochs: float = field(metadata=above_zero(3))
    max_steps: int | None = field(metadata=above_zero(500))
    schedule: Schedule
    warmup_share: float = field(metadata=share(0.06))
    weight_decay: float = field(metadata=not_negative(0.01))
    max_grad_norm: float | None = field(metadata=above_zero(1.0))
    label_smoothing: float = field(metadata=share(0.1))
    precision: Precision
    device: str
    threads: int | None = field(metadata=above_zero(2))
    slots: int | None = field(
        metadata={"rule": Rule("use a number from 1 to 64, e.g. 4", lambda value: 1 <= value <= 64)}
    )
    compile: bool | None
    eval_every: float | None = field(metadata=above_zero(1000))
    eval_batch_size: int | None = field(metadata=above_zero(64))
    patience: int | None = field(metadata=above_zero(3))
    min_improvement: float = field(metadata=not_negative(0.001))
    seed: int = field(metadata=not_negative(0))

    @property
    def rows_at_once(self) -> int:
        """Rows of a micro-batch."""
        return self.micro_batch_size or self.batch_size


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
    method: FullConfig | LoraConfig
    fit: FitConfig
    tracking: TrackingConfig


def parse_trial(values: Mapping[str, Any]) -> Parsed:
    """A `TrialConfig` from the composed config, or every problem in it."""
    parts = {
        "task": parse_task(values.get("task")),
        "data": parse_data(values.get("data")),
        "model": parse_section(ModelConfig, values.get("model"), "model"),
        "method": _parse_method(values.get("method")),
        "fit": parse_section(FitConfig, values.get("fit"), "fit"),
        "tracking": parse_section(TrackingConfig, values.get("tracking"), "tracking"),
    }
    problems = [problem for part in parts.values() for problem in part.problems]
    config = TrialConfig(**{name: part.section for name, part in parts.items()})
    if not problems:
        problems = _cross_problems(config)
    return Parsed(None if problems else config, problems)


def _parse_method(values: Any) -> Parsed:
    name = values.get("name") if isinstance(values, Mapping) else values
    if name not in METHODS:
        return Parsed(None, [f"method.name is {name!r}; {suggestion(str(name), METHODS)}"])
    return parse_section(METHODS[name], values, "method")


def _cross_problems(config: TrialConfig) -> list[str]:
    fit = config.fit
    problems = [*_model_problems(config.model), *_smoothing_problems(config)]
    if fit.micro_batch_size and fit.micro_batch_size > fit.batch_size:
        problems.append(
            f"fit.micro_batch_size is {fit.micro_batch_size}; use at most fit.batch_size ({fit.batch_size})"
        )
    if config.model.scratch is not None and not isinstance(config.method, FullConfig):
        problems.append(
            f"method.name is {config.method.name}, but model.scratch draws its weights, which nobody has trained; "
            "use method=full"
        )
    if fit.compile and fit.slots is not None and fit.slots > 1:
        problems.append(f"fit.compile is true and fit.slots is {fit.slots}; shared passes are not compiled: drop one")
    return problems


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
