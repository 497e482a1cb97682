"""LLaMA-Factory's YAML."""

from typing import Any

from slimtune.sweeper.translation.said import Rule, Said, Values, advice, flag, key, needless, option
from slimtune.sweeper.translation.trainer_arguments import trainer_rules

DATA = "write its file: data.train_file=rows.json, with data.text_column and data.target_column, or a column messages"
STAGES = {"sft": "generation", "pt": "language_modelling"}


def _method(value: Any, values: Values) -> Said:
    if str(value) == "lora" and str(values.get("quantization_bit")) == "4":
        return Said(choices={"method": "qlora"})
    if str(value) == "freeze":
        layers = values.get("freeze_trainable_layers", 2)
        return Said(choices={"method": "full"}, values={"method.trained_layers": layers})
    return option("method", {"lora": "lora", "full": "full"})(value, values)


def _targets(value: Any, _: Values) -> Said:
    names = [name.strip() for name in str(value).split(",")] if isinstance(value, str) else list(value)
    return Said(values={"method.target_modules": ["all-linear"] if names == ["all"] else names})


def _bits(value: Any, values: Values) -> Said:
    if value is None or (str(value) == "4" and values.get("finetuning_type", "lora") == "lora"):
        return Said()
    return Said(values={"model.quantization": {"4": "nf4", "8": "int8"}.get(str(value), str(value))})


def _names(value: Any) -> list[str]:
    return [name.strip() for name in value.split(",")] if isinstance(value, str) else list(value)


RULES: dict[str, Rule] = {
    **trainer_rules(),
    "model_name_or_path": key("model.name_or_path"),
    "adapter_name_or_path": advice("training does not begin with an adapter: merge it into the base first"),
    "trust_remote_code": flag("model.trust_remote_code"),
    "stage": option("task", STAGES),
    "finetuning_type": _method,
    "freeze_trainable_layers": needless,
    "lora_rank": key("method.r"),
    "lora_alpha": key("method.alpha"),
    "lora_dropout": key("method.dropout", float),
    "lora_target": _targets,
    "additional_target": key("method.modules_to_save", _names),
    "use_dora": flag("method.use_dora"),
    "use_rslora": flag("method.use_rslora"),
    "pissa_init": flag("method.init_lora_weights", "pissa"),
    "loraplus_lr_ratio": key("fit.loraplus_lr_ratio", float),
    "quantization_bit": _bits,
    "quantization_method": needless,
    "double_quantization": key("model.double_quantization", bool),
    "dataset": advice(DATA),
    "dataset_dir": advice(DATA),
    "eval_dataset": advice("write its file: data.validation_file=valid.json"),
    "template": advice("the tokenizer's own chat template writes chats; a text has data.text_template"),
    "cutoff_len": key("data.max_length"),
    "max_samples": advice("takes all rows, or a slice: data.train_split='train[:1000]'"),
    "val_size": key("data.validation_share", lambda value: float(value) if float(value) < 1 else None),
    "train_on_prompt": flag("task.train_on_prompt"),
    "mask_history": needless,
    "packing": needless,
    "neat_packing": needless,
    "overwrite_cache": needless,
    "preprocessing_num_workers": needless,
    "plot_loss": needless,
    "flash_attn": needless,
    "predict_with_generate": needless,
    "max_new_tokens": key("task.max_new_tokens"),
    "export_dir": advice("slimtune export writes a verified bundle"),
}
