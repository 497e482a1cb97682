"""Axolotl's YAML."""

from typing import Any

from slimtune.sweeper.translation.axolotl_datasets import datasets
from slimtune.sweeper.translation.chat_forms import CHATS_ALONE
from slimtune.sweeper.translation.llama_factory import PACKING, _names, attention, held_out
from slimtune.sweeper.translation.said import (
    Rule,
    Said,
    Values,
    advice,
    anyway,
    flag,
    one_of,
    option,
    preference,
    same_key,
)
from slimtune.sweeper.translation.trainer_arguments import OPTIMIZERS, PLAN, SCHEDULES, trainer_rules
from slimtune.training.config.other_names import OTHER_KEYS

ROWS = "micro_batch_size"
WANDB = "a sweep's project there has the sweep's name, search.name"


def _evals(value: Any, _: Values) -> Said:
    times = float(value)
    if times == 1:
        return Said(anyway="each epoch is evaluated once")
    if times < 1:
        return Said(told="each epoch is evaluated; fit.eval_every says otherwise, in rows")
    return Said(values={"fit.eval_every": round(1 / times, 4)})


def _adapter(value: Any, values: Values) -> Said:
    if str(value).lower() == "lora" and values.get("load_in_4bit"):
        return Said(choices={"method": "qlora"})
    return option("method", {"lora": "lora", "qlora": "qlora", "none": "full"})(value, values)


def _four_bits(value: Any, values: Values) -> Said:
    if not value:
        return Said(anyway="a base is in four bits with method=qlora alone")
    if str(values.get("adapter")).lower() in ("lora", "qlora"):
        return Said(choices={"method": "qlora"})
    return Said(told="a base in four bits is trained with method=qlora alone")


def _pretraining(value: Any, values: Values) -> Said:
    found = datasets(value if isinstance(value, list) else [{"path": value}], values)
    return Said(choices={**found.choices, "task": "language_modelling"}, values=found.values, told=found.told)


RULES: dict[str, Rule] = {
    **trainer_rules(ROWS, by_its_steps=True),
    **same_key("base_model"),
    "model_type": anyway("the model's own config names its class"),
    "tokenizer_type": anyway("the tokenizer's own config names its class"),
    "trust_remote_code": flag("model.trust_remote_code"),
    "adapter": _adapter,
    "load_in_4bit": _four_bits,
    "load_in_8bit": flag(OTHER_KEYS["load_in_8bit"], "int8"),
    "strict": anyway("unknown keys are always an error"),
    "datasets": datasets,
    "pretraining_dataset": _pretraining,
    "dataset_prepared_path": anyway("encoded rows are kept in data.cache_dir"),
    "chat_template": advice(CHATS_ALONE),
    "val_set_size": held_out,
    **same_key("sequence_len"),
    "sample_packing": PACKING,
    "eval_sample_packing": anyway("evaluation batches are of rows alike in length, with little padding"),
    "pad_to_sequence_len": anyway("a batch is as long as its longest row"),
    "train_on_inputs": flag(OTHER_KEYS["train_on_inputs"]),
    **same_key("lora_r", "lora_alpha"),
    **same_key("lora_dropout", read=float),
    **same_key("lora_target_modules", read=_names),
    "lora_target_linear": flag(OTHER_KEYS["lora_target_linear"], ["all-linear"]),
    **same_key("lora_modules_to_save", read=_names),
    "peft_use_dora": flag(OTHER_KEYS["peft_use_dora"]),
    "peft_use_rslora": flag(OTHER_KEYS["peft_use_rslora"]),
    **same_key("num_epochs"),
    "optimizer": one_of("fit.optimizer", OPTIMIZERS),
    "lr_scheduler": one_of(OTHER_KEYS["lr_scheduler"], SCHEDULES),
    "flash_attention": attention,
    "xformers_attention": attention,
    "sdp_attention": attention,
    "evals_per_epoch": _evals,
    "saves_per_epoch": advice(PLAN),
    "wandb_project": lambda value, _: Said(values={"tracking.wandb": True}, told=WANDB) if value else Said(),
    "wandb_entity": advice("wandb's own variable says it: WANDB_ENTITY"),
    "wandb_watch": advice("gradients are not logged"),
    "wandb_name": advice("runs have the names of their trials"),
    "wandb_log_model": advice("models are registered in MLflow"),
    **same_key("mlflow_tracking_uri", "mlflow_experiment_name"),
    "special_tokens": advice("special tokens are those of the model's tokenizer"),
    **{name: preference(name) for name in ("rl", "reward_model", "process_reward_model")},
}
