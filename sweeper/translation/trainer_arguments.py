"""Arguments of transformers' Trainer, which other tools take over."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from slimtune.sweeper.translation.said import (
    Rule,
    Said,
    Values,
    advice,
    anyway,
    flag,
    key,
    one_of,
    preference,
    same_key,
)
from slimtune.training.config.other_names import OTHER_KEYS

PLAN = (
    "the best checkpoint is kept by itself, and a killed trial resumes from fit.save_minutes; to keep more of them, "
    "fit.save_steps is a multiple of fit.eval_steps"
)
# between two lines of the log of transformers' Trainer
USUAL_STEPS = 500
# of a pass, where it names none
USUAL_ROWS = 8
UNTRACKED = "tracking=none: nothing is logged or registered; remove it to have MLflow"
EVALUATED = "each epoch is evaluated, which the search goes by"
SCHEDULES = {"linear": "linear", "cosine": "cosine", "constant": "constant", "constant_with_warmup": "constant"}
OPTIMIZERS = {
    "adamw": "adamw",
    "adamw_torch": "adamw",
    "adamw_torch_fused": "adamw",
    "adamw_hf": "adamw",
    "adamw_8bit": "adamw_8bit",
    "adamw_bnb_8bit": "adamw_8bit",
    "paged_adamw": "paged_adamw",
    "paged_adamw_32bit": "paged_adamw",
    "paged_adamw_8bit": "paged_adamw_8bit",
    "adafactor": "adafactor",
}


# of TRL's configs for DPO, KTO and GRPO, which have the Trainer's arguments too
BY_PREFERENCE = ("beta", "rpo_alpha", "desirable_weight", "undesirable_weight", "num_generations")


def rows_a_step(values: Values, rows: str = "per_device_train_batch_size") -> int:
    """Rows that an optimizer step averages over."""
    return int(values.get(rows) or USUAL_ROWS) * int(values.get("gradient_accumulation_steps") or 1)


def batch(rows: str) -> Rule:
    """Theirs is of a device and a pass, ours of an optimizer step."""

    def rule(value: Any, values: Values) -> Said:
        size = rows_a_step(values, rows)
        more = {"fit.micro_batch_size": int(value)} if size != int(value) else {}
        return Said(values={"fit.batch_size": size, **more})

    return rule


def _accumulated(rows: str) -> Rule:
    """Part of the rows of an optimizer step, also where theirs of a pass are its usual ones."""

    def rule(_: Any, values: Values) -> Said:
        told = None if values.get(rows) else f"of {USUAL_ROWS} rows each, as it has them where {rows} is not given"
        return Said(values={"fit.batch_size": rows_a_step(values, rows)}, told=told)

    return rule


class _Cadence:
    """When theirs evaluates and saves.

    Args:
        by_its_steps: Whether a number of steps says that it is evaluated by steps; else `eval_strategy` alone does.
    """

    def __init__(self, *, by_its_steps: bool) -> None:
        self._by_its_steps = by_its_steps

    def evaluated(self, values: Values) -> str:
        """`no`, `steps` or `epoch`."""
        usual = ("steps" if values.get("eval_steps") else "epoch") if self._by_its_steps else "no"
        return _strategy(values, ("eval_strategy", "evaluation_strategy"), usual)

    def eval_strategy(self, _: Any, values: Values) -> Said:
        """Steps without a number are those between two lines of their log."""
        strategy = self.evaluated(values)
        if strategy == "steps" and values.get("eval_steps"):
            return Said(values=_steps_between(values["eval_steps"]).values)
        if strategy != "steps":
            return Said(anyway="the end of each epoch is evaluated" if strategy == "epoch" else EVALUATED)
        return _steps_between(_usual_steps(values))

    def eval_steps(self, value: Any, values: Values) -> Said:
        """Theirs in optimizer steps, or a share of all; a number that it does not go by is told."""
        if not value:
            return Said()
        strategy = self.evaluated(values)
        if strategy == "steps":
            return _steps_between(value)
        return Said(told=f"eval_strategy is {strategy}, which does not go by it; to do so here, set fit.eval_steps")

    def save_steps(self, value: Any, values: Values) -> Said:
        """Checkpoints of steps that are evaluated; others have no scores, and are told."""
        steps, strategy = float(value or 0), _strategy(values, ("save_strategy",), "steps")
        if not steps:
            return Said()
        if strategy != "steps":
            return Said(told=f"save_strategy is {strategy}, which does not go by it; {PLAN}")
        between = float(values.get("eval_steps") or _usual_steps(values))
        if self.evaluated(values) != "steps" or steps < 1 or between < 1 or steps % between:
            return Said(told=PLAN)
        return Said(values={"fit.save_steps": int(steps)})


def _strategy(values: Values, names: Sequence[str], usual: str) -> str:
    given = next((values[name] for name in names if values.get(name) is not None), usual)
    # YAML reads `no` as false
    return "no" if given is False else str(given).lower()


def _usual_steps(values: Values) -> Any:
    return values.get("logging_steps") or USUAL_STEPS


def _steps_between(value: Any) -> Said:
    if 0 < float(value) < 1:
        return Said(told="a share of all steps; say fit.eval_every as a share of an epoch, or fit.eval_steps")
    return Said(values={"fit.eval_steps": int(float(value))})


def _max_steps(value: Any, _: Values) -> Said:
    return Said(values={"fit.max_steps": int(value)}) if int(value) > 0 else Said()


def _warmup_steps(value: Any, values: Values) -> Said:
    if not value:
        return Said()
    if 0 < float(value) < 1:
        return Said(values={"fit.warmup_share": float(value)})
    steps = int(values.get("max_steps") or 0)
    if steps > 0:
        return Said(values={"fit.warmup_share": round(min(1.0, float(value) / steps), 4)})
    return Said(told="warm-up is a share of all steps here: set fit.warmup_share, e.g. 0.06")


def _bf16(value: Any, _: Values) -> Said:
    # Axolotl has the word too
    precision = "auto" if str(value).lower() == "auto" else "bf16"
    return Said(values={"fit.precision": precision}) if value else Said()


def _clip(value: Any, _: Values) -> Said:
    return Said(values={"fit.max_grad_norm": float(value) or None})


def _report_to(value: Any, _: Values) -> Said:
    names = [str(one).lower() for one in (value if isinstance(value, list) else [value])]
    if names == ["none"]:
        return Said(choices={"tracking": "none"}, told=UNTRACKED)
    found = {f"tracking.{name}": True for name in ("tensorboard", "wandb") if name in names}
    others = [name for name in names if name not in ("tensorboard", "wandb", "mlflow", "all", "none")]
    return Said(values=found, told=f"runs are logged to MLflow; there is no {', '.join(others)}" if others else None)


def _metric(value: Any, _: Values) -> Said:
    name = str(value).removeprefix("eval_")
    if name == "loss":
        return Said(anyway="the loss of the validation rows is measured")
    return Said(values={"task.metric": name}, told="look whether the task has this metric")


def _name(value: Any, _: Values) -> Said:
    return Said(values={"search.name": Path(str(value)).name})


def trainer_rules(rows: str = "per_device_train_batch_size", *, by_its_steps: bool = False) -> dict[str, Rule]:
    """Rules by argument.

    Args:
        rows: What the tool calls the rows of a device and a pass.
        by_its_steps: Whether `eval_steps` says that it is evaluated by steps; else `eval_strategy` alone does.
    """
    cadence = _Cadence(by_its_steps=by_its_steps)
    return {
        **{name: preference(name) for name in BY_PREFERENCE},
        "learning_rate": key("fit.learning_rate", float),
        **same_key("num_train_epochs"),
        "max_steps": _max_steps,
        rows: batch(rows),
        "gradient_accumulation_steps": _accumulated(rows),
        **same_key("per_device_eval_batch_size"),
        "weight_decay": key("fit.weight_decay", float),
        "max_grad_norm": _clip,
        **same_key("warmup_ratio", read=float),
        "warmup_steps": _warmup_steps,
        "lr_scheduler_type": one_of(OTHER_KEYS["lr_scheduler_type"], SCHEDULES),
        "optim": one_of(OTHER_KEYS["optim"], OPTIMIZERS),
        "bf16": _bf16,
        "fp16": flag(OTHER_KEYS["fp16"], "fp16"),
        "tf32": advice("float32 is computed in full; fit.precision=bf16 is faster"),
        "gradient_checkpointing": key("fit.gradient_checkpointing", bool),
        "gradient_checkpointing_kwargs": advice("fit.gradient_checkpointing alone says whether it is done, not how"),
        "seed": key("fit.seed"),
        **same_key("data_seed"),
        **same_key("label_smoothing_factor", read=float),
        "torch_compile": flag(OTHER_KEYS["torch_compile"]),
        **same_key("logging_steps"),
        "logging_strategy": anyway("tracking.log_every says after how many steps"),
        "logging_first_step": anyway("the log goes by tracking.log_every alone"),
        "logging_dir": anyway("logs lie in the sweep's folder"),
        "eval_strategy": cadence.eval_strategy,
        "evaluation_strategy": cadence.eval_strategy,
        "eval_steps": cadence.eval_steps,
        "eval_accumulation_steps": anyway("scores are summed batch by batch"),
        "save_strategy": anyway("the best checkpoint is kept after each evaluation"),
        "save_steps": cadence.save_steps,
        "save_total_limit": anyway("the best checkpoint alone is kept; those of fit.save_steps all stay"),
        "save_only_model": anyway("a kept checkpoint has no optimizer; the state to resume from lies beside it"),
        "load_best_model_at_end": anyway("the best checkpoint is always the result"),
        "metric_for_best_model": _metric,
        "greater_is_better": lambda value, _: Said(values={"task.direction": "maximize" if value else "minimize"}),
        **same_key("early_stopping_patience"),
        "report_to": _report_to,
        "output_dir": _name,
        "run_name": _name,
        "overwrite_output_dir": anyway("a sweep has a folder of its own"),
        "do_train": anyway("slimtune train and sweep train"),
        "do_eval": anyway("each epoch is evaluated, or as fit.eval_every says"),
        "do_predict": advice("slimtune evaluate --predictions writes an answer for each row"),
        "resume_from_checkpoint": advice("the same command resumes a sweep or a trial by itself"),
        "group_by_length": anyway("batches hold rows of like length"),
        "length_column_name": anyway("lengths are measured"),
        "remove_unused_columns": anyway("only the columns that data names are read"),
        "dataloader_num_workers": anyway("rows are encoded before training: there is nothing to load"),
        "dataloader_pin_memory": anyway("rows are encoded before training: there is nothing to load"),
        "ddp_timeout": anyway("processes wait 12 hours for one another"),
        "ddp_find_unused_parameters": anyway("weights that a step does not reach have a gradient of zero"),
        "fsdp": flag("fit.fsdp"),
        "fsdp_config": advice("fit.fsdp=true shares all weights out, in a way of its own"),
        "deepspeed": advice("fit.fsdp=true with fit.devices shares weights, gradients and moments out"),
        "push_to_hub": advice("winners are registered in MLflow, and pushed nowhere"),
        "disable_tqdm": anyway("a pipe has lines, a terminal one that is drawn anew"),
        "adam_beta1": advice("AdamW has PyTorch's own here"),
        "adam_beta2": advice("AdamW has PyTorch's own here"),
        "adam_epsilon": advice("AdamW has PyTorch's own here"),
        "neftune_noise_alpha": advice("there is no noise on embeddings; fit=regularized fights overfitting"),
    }
