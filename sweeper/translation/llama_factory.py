"""LLaMA-Factory's YAML."""

from typing import Any

from slimtune.sweeper.translation.chat_forms import CHATS_ALONE
from slimtune.sweeper.translation.llama_factory_sets import DATA, SETS, STAGES, dataset
from slimtune.sweeper.translation.said import (
    NOTHING,
    Rule,
    Said,
    Values,
    advice,
    anyway,
    flag,
    is_off,
    key,
    option,
    preference,
    same_key,
)
from slimtune.sweeper.translation.trainer_arguments import trainer_rules
from slimtune.training.config.other_names import OTHER_KEYS

LAYERS = "freeze_trainable_layers"
PACKING = anyway("fit.row_packing=auto packs where that pays, and no example sees another")
BY_PREFERENCE = ("rm", "ppo", "dpo", "kto", "orpo", "simpo")
BITSANDBYTES = ("bnb", "bitsandbytes")


def _method(value: Any, values: Values) -> Said:
    if str(value) == "lora" and str(values.get("quantization_bit")) == "4":
        return Said(choices={"method": "qlora"})
    if str(value) == "freeze":
        return Said(choices={"method": "full"}, values={"method.trained_layers": values.get(LAYERS, 2)})
    return option("method", {"lora": "lora", "full": "full"})(value, values)


def _frozen(value: Any, values: Values) -> Said:
    if values.get("finetuning_type") == "freeze":
        return Said(values={"method.trained_layers": value})
    return Said(told="finetuning_type is not freeze, which alone goes by it")


def attention(value: Any, _: Values) -> Said:
    """Which kernel computes it: the result is the same."""
    if is_off(value):
        return Said(anyway="model.attention=auto takes PyTorch's own attention; eager is without any kernel")
    return Said(
        anyway="model.attention=auto takes PyTorch's SDPA, which has flash kernels; =flash_attention_2 names one"
    )


def held_out(value: Any, _: Values) -> Said:
    """A share of the rows, or a number of them."""
    share = float(value)
    if 0 < share < 1:
        return Said(values={"data.validation_share": share})
    if share == 0:
        return Said(told="a search needs validation rows: data.validation_share of them are held out")
    return Said(told="a number of rows; say a share, data.validation_share=0.1, or a file, data.validation_file=...")


def _dataset_dir(_: Any, values: Values) -> Said:
    if str(values.get("dataset")) in values.get(SETS, {}):
        return Said(values=dataset(values["dataset"], values).values)
    return Said(told=DATA)


def _targets(value: Any, _: Values) -> Said:
    names = [name.strip() for name in str(value).split(",")] if isinstance(value, str) else list(value)
    return Said(values={"method.target_modules": ["all-linear"] if names == ["all"] else names})


def _bits(value: Any, values: Values) -> Said:
    if str(value) == "4" and values.get("finetuning_type", "lora") == "lora":
        return Said(choices={"method": "qlora"})
    return Said(values={"model.quantization": {"4": "nf4", "8": "int8"}.get(str(value), str(value))})


def _names(value: Any) -> list[str]:
    return [name.strip() for name in value.split(",")] if isinstance(value, str) else list(value)


RULES: dict[str, Rule] = {
    **trainer_rules(),
    **same_key("model_name_or_path"),
    "adapter_name_or_path": advice("training does not begin with an adapter: merge it into the base first"),
    "trust_remote_code": flag("model.trust_remote_code"),
    "stage": preference("stage", BY_PREFERENCE, otherwise=option(OTHER_KEYS["stage"], STAGES)),
    "finetuning_type": _method,
    "freeze_trainable_layers": _frozen,
    **same_key("lora_rank", "lora_alpha"),
    **same_key("lora_dropout", read=float),
    "lora_target": _targets,
    **same_key("additional_target", read=_names),
    "use_dora": flag("method.use_dora"),
    "use_rslora": flag("method.use_rslora"),
    "pissa_init": flag(OTHER_KEYS["pissa_init"], "pissa"),
    "loraplus_lr_ratio": key("fit.loraplus_lr_ratio", float),
    "quantization_bit": _bits,
    "quantization_method": anyway(
        "bitsandbytes quantizes",
        unless=lambda value: str(value) not in BITSANDBYTES,
        told="bitsandbytes alone quantizes for training",
    ),
    "double_quantization": key("model.double_quantization", bool),
    "dataset": dataset,
    "dataset_dir": _dataset_dir,
    "eval_dataset": advice("write its file: data.validation_file=valid.json"),
    "template": advice(CHATS_ALONE),
    **same_key("cutoff_len"),
    "max_samples": advice("takes all rows, or a slice: data.train_split='train[:1000]'"),
    "val_size": held_out,
    "train_on_prompt": flag("task.train_on_prompt"),
    "mask_history": anyway(
        "the last answer of a chat is learned",
        unless=lambda value: value in NOTHING,
        told="the last answer of a chat alone is learned; write a row for each answer that is to be",
    ),
    "packing": PACKING,
    "neat_packing": PACKING,
    "overwrite_cache": anyway("rows are encoded anew where they or the config changed"),
    "preprocessing_num_workers": anyway("rows are encoded by as many threads as there are cores"),
    "plot_loss": anyway("MLflow and the sweep's page have the curves"),
    "flash_attn": attention,
    "predict_with_generate": anyway("task.metrics such as bleu are of generated texts (task.eval_rows)"),
    "max_new_tokens": key("task.max_new_tokens"),
    "export_dir": advice("slimtune export writes a verified bundle; export.merged=[bf16] the merged folder beside it"),
}
