"""A trial's whole config: its sections, and the rules between them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from slimtune.training.config.data import DataConfig, parse_data
from slimtune.training.config.fit import FitConfig, OptimizerName, Precision
from slimtune.training.config.method import (
    FullMethod,
    LoraMethod,
    MethodConfig,
    PrefixTuningMethod,
    PromptTuningMethod,
    parse_method,
)
from slimtune.training.config.model import ModelConfig, needed_by_drawn, scratch_problems
from slimtune.training.config.schema import Parsed, parse_section
from slimtune.training.config.task import (
    ClassificationTask,
    CustomTask,
    ExtractionTask,
    GenerationTask,
    LanguageModellingTask,
    SimilarityTask,
    TaskConfig,
    parse_task,
)
from slimtune.training.config.tracking import TrackingConfig

# what a trial's result depends on: all but where it is tracked
RESULT_SECTIONS = ("task", "data", "model", "method", "fit")


class TrialConfig(NamedTuple):
    """Everything that one trial is a function of."""

    task: TaskConfig
    data: DataConfig
    model: ModelConfig
    method: MethodConfig
    fit: FitConfig
    tracking: TrackingConfig


def parse_trial(values: Mapping[str, Any]) -> Parsed[TrialConfig]:
    """A `TrialConfig` from the composed config, or every problem in it."""
    parts: dict[str, Parsed[Any]] = {
        "task": parse_task(values.get("task")),
        "data": parse_data(values.get("data")),
        "model": parse_section(ModelConfig, values.get("model"), "model"),
        "method": parse_method(values.get("method")),
        "fit": parse_section(FitConfig, values.get("fit"), "fit"),
        "tracking": parse_section(TrackingConfig, values.get("tracking"), "tracking"),
    }
    problems = [problem for part in parts.values() for problem in part.problems]
    if problems:
        return Parsed(None, problems)
    config = TrialConfig(**{name: part.section for name, part in parts.items()})
    problems = _cross_problems(config)
    return Parsed(None if problems else config, problems)


def _cross_problems(config: TrialConfig) -> list[str]:
    fit = config.fit
    problems = [*_model_problems(config.model), *_smoothing_problems(config), *_column_problems(config)]
    if fit.loraplus_lr_ratio != 1 and not isinstance(config.method, LoraMethod):
        problems.append(
            f"fit.loraplus_lr_ratio is {fit.loraplus_lr_ratio:g}, and method={config.method.name} has no B; use 1"
        )
    if fit.rows_at_once > fit.batch_size:
        problems.append(
            f"fit.micro_batch_size is {fit.micro_batch_size}; use at most fit.batch_size ({fit.batch_size})"
        )
    problems += _cadence_problems(fit)
    if config.model.scratch is not None and not isinstance(config.method, FullMethod):
        problems.append(
            f"method.name is {config.method.name}, but model.scratch draws its weights, which nobody has trained; "
            f"use {needed_by_drawn()}"
        )
    if config.model.quantization is not None and isinstance(config.method, FullMethod):
        problems.append(
            f"model.quantization is {config.model.quantization.value}, and method=full would train those weights; "
            "use method=lora, or model.quantization=null"
        )
    if fit.gradient_checkpointing and isinstance(config.method, PrefixTuningMethod):
        problems.append(
            "fit.gradient_checkpointing is true, with which layers take no prefix; use false, or another method"
        )
    if fit.devices > 1 and fit.slots is not None and fit.slots > 1:
        problems.append(
            f"fit.devices is {fit.devices} and fit.slots is {fit.slots}; a trial on several devices shares no passes"
        )
    if fit.row_packing is True:
        problems += _packing_problems(config)
    if fit.fsdp:
        problems += _fsdp_problems(config)
    if fit.compile and fit.slots is not None and fit.slots > 1:
        problems.append(f"fit.compile is true and fit.slots is {fit.slots}; shared passes are not compiled: drop one")
    return problems


def _cadence_problems(fit: FitConfig) -> list[str]:
    """Two ways to say when to evaluate, and checkpoints that would have no scores."""
    if fit.eval_steps is not None and fit.eval_every is not None:
        return [f"fit.eval_steps is {fit.eval_steps} and fit.eval_every is {fit.eval_every:g}; use one, the other null"]
    if fit.save_steps is not None and (fit.eval_steps is None or fit.save_steps % fit.eval_steps):
        every = "null" if fit.eval_steps is None else fit.eval_steps
        return [
            f"fit.save_steps is {fit.save_steps} and fit.eval_steps is {every}; a checkpoint is kept with its scores: "
            f"use fit.eval_steps={fit.save_steps}, or a number that it is a multiple of"
        ]
    return []


def _packing_problems(config: TrialConfig) -> list[str]:
    """What keeps examples from sharing rows."""
    task, method = config.task, config.method
    rules = (
        (
            isinstance(task, CustomTask),
            f"task.name is '{task.name}', a task of your own, whose loss may look at whole rows; use false",
        ),
        (
            not isinstance(task, GenerationTask | LanguageModellingTask),
            f"task={task.name} predicts no next tokens; use false",
        ),
        (task.loss is not None, "task.loss is your own, which may look at whole rows; use false"),
        (
            isinstance(method, PromptTuningMethod | PrefixTuningMethod),
            f"method is {method.name}, which puts tokens before each row; use false, or another method",
        ),
    )
    return [f"fit.row_packing is true, and {text}" for broken, text in rules if broken][:1]


def _fsdp_problems(config: TrialConfig) -> list[str]:
    """What cannot be shared out over devices."""
    fit = config.fit
    rules = (
        (fit.devices == 1, "fit.devices is 1: there is nothing to share; use 2 or more"),
        (fit.optimizer is not OptimizerName.adamw, f"fit.optimizer is {fit.optimizer.value}; use adamw"),
        (fit.precision is Precision.fp16, "fit.precision is fp16; use bf16 or fp32"),
        (bool(fit.compile), "fit.compile is true; use false"),
        (config.model.quantization is not None, "the base is quantized; use method=lora or method=full"),
        (
            isinstance(config.method, PromptTuningMethod | PrefixTuningMethod),
            f"method is {config.method.name}; use lora, adapters, ia3 or full",
        ),
    )
    return [f"fit.fsdp is true, and {text}" for broken, text in rules if broken]


def _model_problems(model: ModelConfig) -> list[str]:
    if (model.name_or_path is None) == (model.scratch is None):
        return ["model.name_or_path and model.scratch: set one of them; the other is null"]
    if model.scratch is None:
        return []
    return scratch_problems(model.scratch)


def _column_problems(config: TrialConfig) -> list[str]:
    """Keys of the rows' columns that the task would not read."""
    task, data = config.task, config.data
    reads_template = isinstance(task, GenerationTask | CustomTask)
    reads_pair = isinstance(task, ClassificationTask | SimilarityTask | CustomTask)
    problems = []
    for key in ("text_column", "label_column"):
        if data.text_pair_column is not None and data.text_pair_column == getattr(data, key):
            problems.append(
                f"data.text_pair_column is {data.text_pair_column!r}, as data.{key} is; name the column of the second "
                "text, or null"
            )
    problems += _same_column_problems(task, data)
    if data.text_template is not None and not reads_template:
        problems.append(
            f"data.text_template is {data.text_template!r}, which task={task.name} does not read; use data.text_column "
            "(and data.text_pair_column), or null"
        )
    if data.text_pair_column is not None and not reads_pair:
        problems.append(
            f"data.text_pair_column is {data.text_pair_column!r}, which task={task.name} does not read; use null"
        )
    return problems


def _same_column_problems(task: TaskConfig, data: DataConfig) -> list[str]:
    """A column that is named for two things, of which one would be the other's answer."""
    problems = []
    if isinstance(task, ClassificationTask | SimilarityTask | ExtractionTask):
        if data.label_column == data.text_column:
            problems.append(
                f"data.label_column is {data.label_column!r}, as data.text_column is: the text would be its own label; "
                "name the column of the label"
            )
        if data.group_column == data.label_column:
            problems.append(
                f"data.group_column is {data.group_column!r}, as data.label_column is: all rows of a label would be on "
                "one side of a split; name what rows have in common beside it, or null"
            )
    if isinstance(task, GenerationTask) and data.text_template is None and data.target_column == data.text_column:
        problems.append(
            f"data.target_column is {data.target_column!r}, as data.text_column is: the prompt would be its answer; "
            "name the column of the answer, or use task=language_modelling"
        )
    return problems


def _smoothing_problems(config: TrialConfig) -> list[str]:
    if config.fit.label_smoothing == 0:
        return []
    if not config.task.smooths_labels:
        return [
            f"fit.label_smoothing is {config.fit.label_smoothing:g}, which this task's loss does not support; use 0"
        ]
    return []
