"""Olive's JSON: a model, data, and passes, of which one trains."""

from collections.abc import Iterator, Mapping
from typing import Any

from slimtune.sweeper.translation.llama_factory import _names
from slimtune.sweeper.translation.said import Rule, Said, Values, advice, anyway, flag, key, option, same_key
from slimtune.sweeper.translation.trainer_arguments import trainer_rules
from slimtune.training.config.other_names import OTHER_KEYS

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
# of a set of rows
DATA_SECTIONS = ("load_dataset_config", "pre_process_data_config", "params_config")
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
            found |= {"input_model.type" if name == "type" else name: one for name, one in value.items()}
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
            found |= {f"passes.{kind}.{key}": value for key, value in inner.items() if key not in ("type", "config")}
    return found


def _data(sets: list[Any]) -> dict[str, Any]:
    """The rows of the first set; of the second, which evaluates, the split."""
    named = [_set_of(one) for one in sets if isinstance(one, Mapping)]
    found = {f"data.{name}": value for name, value in named[0].items()} if named else {}
    for number, other in enumerate(named[1:], 2):
        same = number == 2 and all(other.get(key) == named[0].get(key) for key in ("data_name", "data_files"))
        beside = {name: value for name, value in other.items() if not same or value != named[0].get(name)}
        if same and "split" in beside:
            found["data.eval_split"] = beside.pop("split")
        found |= {f"data_configs.{number}.{name}": value for name, value in beside.items()}
    return found


def _set_of(first: Mapping[str, Any]) -> dict[str, Any]:
    inner = {name: value for name, value in first.items() if name not in (*DATA_SECTIONS, "name", "type")}
    for section in DATA_SECTIONS:
        value = first.get(section)
        inner |= dict(value.get("params", value)) if isinstance(value, Mapping) else {}
    return inner


def _exporting() -> Iterator[tuple[str, Rule]]:
    for kind, variant in EXPORTING.items():
        yield f"passes.{kind}", anyway("part of every export") if variant is None else _exports(variant)
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
    **same_key("model_path"),
    "input_model.type": anyway("a model is read as transformers writes it"),
    "task": advice("the task is task=..."),
    "io_config": advice("an export names its inputs and outputs itself"),
    "load_kwargs": advice("how a model is loaded, model.quantization and fit.precision say"),
    "r": key("method.r"),
    **same_key("lora_r", "alpha", "lora_alpha"),
    **same_key("lora_dropout", read=float),
    "target_modules": key("method.target_modules", _names),
    "modules_to_save": key("method.modules_to_save", _names),
    **same_key("double_quant", read=bool),
    **same_key("quant_type"),
    "compute_dtype": advice("fit.precision says it"),
    "torch_dtype": advice("fit.precision says it"),
    "use_gradient_checkpointing": flag(OTHER_KEYS["use_gradient_checkpointing"]),
    "train_data_config": anyway("the first set is trained on"),
    "eval_data_config": anyway("the second set evaluates, where it is of the same rows"),
    "ephemeral_gpu_offload": advice("nothing is moved off the device while it trains"),
    "data.data_name": _set,
    "data.data_files": key("data.train_file"),
    "data.split": key("data.train_split"),
    "data.eval_split": key("data.eval_split"),
    "data.text_template": _template,
    "data.text_field": key("data.text_column"),
    "data.max_seq_len": key("data.max_length"),
    "data.source_max_len": key("data.max_length"),
    "data.corpus_strategy": anyway("an example is a row; plain text is cut into full blocks"),
    "search_strategy.execution_order": anyway("export variants are searched with the trials (search.objectives)"),
    "search_strategy.max_samples": key("search.n_trials"),
    "search_strategy.max_iter": key("search.n_trials"),
    "search_strategy.seed": key("search.seed"),
    "search_strategy.stop_when_goals_met": advice("search.target ends a search"),
    "evaluators": advice("scores are task.metric and task.metrics; size and latency are search.objectives"),
    "evaluator": anyway("scores are task.metric and task.metrics"),
    "systems": advice("the device is fit.device, that of the export export/target"),
    "host": anyway("trials run here, or as hydra/launcher says"),
    "target": anyway("the device is fit.device, that of the export export/target"),
    "engine": advice("what trials run by is hydra/launcher"),
    "cache_dir": anyway("encoded rows are kept in data.cache_dir"),
    "clean_cache": anyway("rows are encoded anew where they or the config changed"),
    "evaluate_input_model": anyway("simple models are measured beside it (data.baselines)"),
    "log_severity_level": anyway("what a command tells, it tells without levels"),
}
SAMPLERS = {"tpe": "tpe", "random": "random", "sequential": "grid"}
RULES["search_strategy.sampler"] = option("search/sampler", SAMPLERS)
