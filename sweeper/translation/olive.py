"""Olive's JSON: a model, data, and passes, of which one trains."""

from collections.abc import Iterator, Mapping
from typing import Any

from slimtune.sweeper.translation.llama_factory import _names
from slimtune.sweeper.translation.said import Rule, Said, Values, advice, flag, key, needless, option
from slimtune.sweeper.translation.trainer_arguments import trainer_rules

TRAINING = {"lora": "lora", "qlora": "qlora", "dora": "lora", "loftq": "qlora"}
# passes after training, and what does the same here
EXPORTING: dict[str, str | None] = {
    "onnxconversion": None,
    "optimumconversion": None,
    "orttransformersoptimization": None,
    "onnxpeepholeoptimizer": None,
    "mergeadapterweights": None,
    "onnxdynamicquantization": "int8_dynamic",
    "onnxquantization": "int8_dynamic",
    "onnxmatmul4quantizer": "int4_blockwise",
    "onnxblockwisertnquantization": "int4_blockwise",
    "onnxfloattofloat16": "fp16",
}
COMMANDS = {
    "modelbuilder": "a folder for onnxruntime-genai: 'export.genai=[int4]'",
    "extractadapters": "adapters over one ONNX base: slimtune adapters",
    "convertadapters": "adapters over one ONNX base: slimtune adapters",
}


def flattened(config: Values) -> dict[str, Any]:
    """Its keys without the sections around them; of passes their names before those that are not of training."""
    found: dict[str, Any] = {}
    for section, value in config.items():
        if section == "input_model" and isinstance(value, Mapping):
            found |= {name: one for name, one in value.items() if name != "type"}
        elif section == "passes" and isinstance(value, Mapping):
            found |= _passes(value)
        elif section == "data_configs" and isinstance(value, list):
            found |= _data(value)
        elif section == "search_strategy" and isinstance(value, Mapping):
            found |= {f"search_strategy.{name}": one for name, one in value.items()}
        else:
            found[section] = value
    return found


def _passes(passes: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, given in passes.items():
        one = given if isinstance(given, Mapping) else {"type": given}
        kind = str(one.get("type", name)).lower()
        inner = {**one, **one["config"]} if isinstance(one.get("config"), Mapping) else dict(one)
        if kind in TRAINING:
            found |= {"type": kind, **(inner.pop("training_args", None) or {})}
            found |= {key: value for key, value in inner.items() if key not in ("type", "config")}
        else:
            found[f"passes.{kind}"] = True
    return found


def _data(sets: list[Any]) -> dict[str, Any]:
    """The rows of the first set; of the second, which evaluates, the split."""
    named = [_set_of(one) for one in sets if isinstance(one, Mapping)]
    found = {f"data.{name}": value for name, value in named[0].items()} if named else {}
    same = len(named) > 1 and all(named[1].get(key) == named[0].get(key) for key in ("data_name", "data_files"))
    return {**found, "data.eval_split": named[1]["split"]} if same and "split" in named[1] else found


def _set_of(first: Mapping[str, Any]) -> dict[str, Any]:
    inner: dict[str, Any] = {}
    for section in ("load_dataset_config", "pre_process_data_config", "params_config"):
        value = first.get(section)
        inner |= dict(value.get("params", value)) if isinstance(value, Mapping) else {}
    return inner


def _exporting() -> Iterator[tuple[str, Rule]]:
    for kind, variant in EXPORTING.items():
        yield f"passes.{kind}", needless if variant is None else _exports(variant)
    for kind, sentence in COMMANDS.items():
        yield f"passes.{kind}", advice(sentence)


def _set(value: Any, _: Values) -> Said:
    """What the hub calls it, or a kind of files, whose names stand beside it."""
    if str(value) in ("json", "csv", "parquet", "text"):
        return Said()
    return Said(choices={"data": "hub"}, values={"data.dataset": value})


def _exports(variant: str) -> Rule:
    return lambda _, __: Said(values={"export.variants": [variant]})


def _template(value: Any, _: Values) -> Said:
    more = "name the answer's field too: data.target_column=<the last field>"
    return Said(choices={"task": "generation"}, values={"data.text_template": value}, told=more)


RULES: dict[str, Rule] = {
    **trainer_rules(),
    **dict(_exporting()),
    "type": option("method", TRAINING),
    "model_path": key("model.name_or_path"),
    "task": needless,
    "io_config": needless,
    "load_kwargs": needless,
    "r": key("method.r"),
    "lora_r": key("method.r"),
    "alpha": key("method.alpha"),
    "lora_alpha": key("method.alpha"),
    "lora_dropout": key("method.dropout", float),
    "target_modules": key("method.target_modules", _names),
    "modules_to_save": key("method.modules_to_save", _names),
    "double_quant": key("model.double_quantization", bool),
    "quant_type": key("model.quantization"),
    "compute_dtype": needless,
    "torch_dtype": needless,
    "use_gradient_checkpointing": flag("fit.gradient_checkpointing"),
    "train_data_config": needless,
    "eval_data_config": needless,
    "ephemeral_gpu_offload": needless,
    "data.data_name": _set,
    "data.data_files": key("data.train_file"),
    "data.split": key("data.train_split"),
    "data.eval_split": key("data.eval_split"),
    "data.text_template": _template,
    "data.text_field": key("data.text_column"),
    "data.max_seq_len": key("data.max_length"),
    "data.source_max_len": key("data.max_length"),
    "data.corpus_strategy": needless,
    "search_strategy.execution_order": needless,
    "search_strategy.max_samples": key("search.n_trials"),
    "search_strategy.max_iter": key("search.n_trials"),
    "search_strategy.seed": key("search.seed"),
    "search_strategy.stop_when_goals_met": advice("search.target ends a search"),
    "evaluators": advice("scores are task.metric and task.metrics; size and latency are search.objectives"),
    "evaluator": needless,
    "systems": advice("the device is fit.device, that of the export export/target"),
    "host": needless,
    "target": needless,
    "engine": needless,
    "cache_dir": needless,
    "clean_cache": needless,
    "evaluate_input_model": needless,
    "log_severity_level": needless,
}
SAMPLERS = {"tpe": "tpe", "random": "random", "sequential": "grid"}
RULES["search_strategy.sampler"] = option("search/sampler", SAMPLERS)
