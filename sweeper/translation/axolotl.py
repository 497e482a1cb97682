"""Axolotl's YAML."""

from typing import Any

from slimtune.sweeper.translation.llama_factory import _names
from slimtune.sweeper.translation.said import Rule, Said, Values, advice, flag, key, needless, one_of, option
from slimtune.sweeper.translation.trainer_arguments import OPTIMIZERS, SCHEDULES, trainer_rules

ROWS = "micro_batch_size"
TEMPLATES = {
    "alpaca": '"{instruction}\\n{input}\\n{output}", with data.target_column=output',
    "completion": "plain text: task=language_modelling",
}


def _datasets(value: Any, _: Values) -> Said:
    sets = [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
    paths = [str(one.get("path")) for one in sets]
    files = [path for path in paths if path.endswith((".json", ".jsonl", ".csv", ".parquet", ".txt"))]
    kinds = {str(one.get("type")) for one in sets}
    hints = [f"type {kind} is {TEMPLATES[kind]}" for kind in sorted(kinds) if kind in TEMPLATES]
    if len(files) == len(paths) and files:
        named: Any = files[0] if len(files) == 1 else files
        return Said(values={"data.train_file": named}, told="; ".join(hints) or None)
    if len(paths) == 1:
        return Said(choices={"data": "hub"}, values={"data.dataset": paths[0]}, told="; ".join(hints) or None)
    return Said(
        told="; ".join(["several sets: name one (data=hub data.dataset=...), or write them into files", *hints])
    )


def _share(value: Any, _: Values) -> Said:
    share = float(value)
    if 0 < share < 1:
        return Said(values={"data.validation_share": share})
    return Said(told="a number of rows; say a share, data.validation_share=0.1, or a file, data.validation_file=...")


def _evals(value: Any, _: Values) -> Said:
    return Said(values={"fit.eval_every": round(1 / float(value), 4)}) if float(value) > 1 else Said()


RULES: dict[str, Rule] = {
    **trainer_rules(ROWS, by_its_steps=True),
    "base_model": key("model.name_or_path"),
    "model_type": needless,
    "tokenizer_type": needless,
    "trust_remote_code": flag("model.trust_remote_code"),
    "adapter": option("method", {"lora": "lora", "qlora": "qlora", "none": "full"}),
    "load_in_4bit": needless,
    "load_in_8bit": flag("model.quantization", "int8"),
    "strict": needless,
    "datasets": _datasets,
    "dataset_prepared_path": needless,
    "chat_template": advice("the tokenizer's own chat template writes chats"),
    "val_set_size": _share,
    "sequence_len": key("data.max_length"),
    "sample_packing": needless,
    "eval_sample_packing": needless,
    "pad_to_sequence_len": needless,
    "train_on_inputs": flag("task.train_on_prompt"),
    "lora_r": key("method.r"),
    "lora_alpha": key("method.alpha"),
    "lora_dropout": key("method.dropout", float),
    "lora_target_modules": key("method.target_modules", _names),
    "lora_target_linear": flag("method.target_modules", ["all-linear"]),
    "lora_modules_to_save": key("method.modules_to_save", _names),
    "peft_use_dora": flag("method.use_dora"),
    "peft_use_rslora": flag("method.use_rslora"),
    "num_epochs": key("fit.epochs"),
    "optimizer": one_of("fit.optimizer", OPTIMIZERS),
    "lr_scheduler": one_of("fit.schedule", SCHEDULES),
    "flash_attention": needless,
    "xformers_attention": needless,
    "sdp_attention": needless,
    "evals_per_epoch": _evals,
    "saves_per_epoch": needless,
    "wandb_project": flag("tracking.wandb"),
    "wandb_entity": needless,
    "wandb_watch": needless,
    "wandb_name": needless,
    "wandb_log_model": needless,
    "mlflow_tracking_uri": key("tracking.uri"),
    "mlflow_experiment_name": key("tracking.experiment"),
    "special_tokens": advice("special tokens are those of the model's tokenizer"),
    "rl": advice("there is no learning by preference; answers are learned as they stand"),
}
