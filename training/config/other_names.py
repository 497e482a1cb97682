"""What other tools, and people, call an option or a key that is spelled in another way here."""

from collections.abc import Iterable

from slimtune.training.config.near_names import plain_name

OTHER_NAMES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("sentiment", "text_classification", "sequence_classification", "intent"), ("classification",)),
    **dict.fromkeys(("multiclass", "binary", "nli", "classify", "classifier"), ("classification",)),
    **dict.fromkeys(("multilabel", "multi_label_classification", "tagging"), ("multi_label",)),
    **dict.fromkeys(("ner", "token_classification", "pos", "spans", "entities"), ("extraction",)),
    **dict.fromkeys(("sts", "embedding", "embeddings", "retrieval", "pairs", "ranking"), ("similarity",)),
    **dict.fromkeys(("chat", "instruct", "instruction", "sft", "qa", "seq2seq", "text2text"), ("generation",)),
    **dict.fromkeys(("question_answering", "text_generation"), ("generation", "extraction")),
    **dict.fromkeys(("lm", "clm", "causal_lm", "pretraining", "language_model"), ("language_modelling",)),
    "regression": ("similarity", "custom"),
    **dict.fromkeys(("finetune", "fine_tune", "full_finetune", "all", "none"), ("full",)),
    **dict.fromkeys(("peft", "dora", "rslora"), ("lora",)),
    **dict.fromkeys(("prefix", "p_tuning", "ptuning"), ("prefix_tuning",)),
    **dict.fromkeys(("prompt", "soft_prompt"), ("prompt_tuning",)),
    **dict.fromkeys(("adapter", "houlsby"), ("adapters",)),
    **dict.fromkeys(("bayes", "bayesian", "bayesian_optimization", "bo", "optuna", "hyperopt"), ("tpe", "gp")),
    **dict.fromkeys(("gaussian_process", "botorch"), ("gp",)),
    **dict.fromkeys(("random_search", "randomsearch"), ("random",)),
    **dict.fromkeys(("grid_search", "gridsearch", "brute_force"), ("grid",)),
    **dict.fromkeys(("sobol", "halton", "quasi_random"), ("qmc",)),
    **dict.fromkeys(("genetic", "evolution", "nsga"), ("nsga2",)),
    **dict.fromkeys(("asha", "sha", "halving"), ("successive_halving",)),
    **dict.fromkeys(("bohb", "hyper_band"), ("hyperband",)),
    **dict.fromkeys(("off", "no", "nop", "disabled"), ("none",)),
}

# what the last parts of other tools' keys are here, a key or a group; what `slimtune import` takes over by name as well
OTHER_KEYS: dict[str, str] = {
    **dict.fromkeys(("base_model", "model_name_or_path", "model_path", "model_id"), "model.name_or_path"),
    **dict.fromkeys(("load_in_8bit", "quantization_bit", "quant_type"), "model.quantization"),
    "double_quant": "model.double_quantization",
    **dict.fromkeys(("flash_attn", "flash_attention", "attn_implementation"), "model.attention"),
    **dict.fromkeys(("adapter", "finetuning_type", "peft_type", "load_in_4bit"), "method"),
    **dict.fromkeys(("stage", "task_type"), "task"),
    **dict.fromkeys(("rank", "lora_r", "lora_rank"), "method.r"),
    **dict.fromkeys(("alpha", "lora_alpha"), "method.alpha"),
    "lora_dropout": "method.dropout",
    **dict.fromkeys(("lora_target", "lora_target_modules", "lora_target_linear"), "method.target_modules"),
    **dict.fromkeys(("additional_target", "lora_modules_to_save"), "method.modules_to_save"),
    "peft_use_dora": "method.use_dora",
    "peft_use_rslora": "method.use_rslora",
    "pissa_init": "method.init_lora_weights",
    "freeze_trainable_layers": "method.trained_layers",
    **dict.fromkeys(("datasets", "data_files", "dataset_dir"), "data.train_file"),
    **dict.fromkeys(("data_name", "dataset_name", "pretraining_dataset"), "data.dataset"),
    "eval_dataset": "data.validation_file",
    "max_samples": "data.train_split",
    "text_field": "data.text_column",
    **dict.fromkeys(("cutoff_len", "sequence_len", "max_seq_len", "max_seq_length"), "data.max_length"),
    "source_max_len": "data.max_length",
    **dict.fromkeys(("val_size", "val_set_size"), "data.validation_share"),
    "data_seed": "data.seed",
    "train_on_inputs": "task.train_on_prompt",
    "metric_for_best_model": "task.metric",
    **dict.fromkeys(("greater_is_better", "mode"), "task.direction"),
    **dict.fromkeys(("num_train_epochs", "num_epochs"), "fit.epochs"),
    "per_device_train_batch_size": "fit.batch_size",
    "per_device_eval_batch_size": "fit.eval_batch_size",
    "gradient_accumulation_steps": "fit.micro_batch_size",
    **dict.fromkeys(("lr_scheduler_type", "lr_scheduler", "scheduler"), "fit.schedule"),
    "optim": "fit.optimizer",
    **dict.fromkeys(("warmup_steps", "warmup_ratio"), "fit.warmup_share"),
    "label_smoothing_factor": "fit.label_smoothing",
    "early_stopping_patience": "fit.patience",
    **dict.fromkeys(("fp16", "bf16"), "fit.precision"),
    "torch_compile": "fit.compile",
    "use_gradient_checkpointing": "fit.gradient_checkpointing",
    **dict.fromkeys(("packing", "neat_packing", "sample_packing"), "fit.row_packing"),
    "evals_per_epoch": "fit.eval_every",
    **dict.fromkeys(("eval_strategy", "evaluation_strategy"), "fit.eval_steps"),
    "deepspeed": "fit.fsdp",
    "logging_steps": "tracking.log_every",
    "report_to": "tracking",
    "wandb_project": "tracking.wandb",
    "mlflow_tracking_uri": "tracking.uri",
    "mlflow_experiment_name": "tracking.experiment",
    **dict.fromkeys(("output_dir", "run_name"), "search.name"),
    **dict.fromkeys(("num_samples", "max_iter"), "search.n_trials"),
    "points_to_evaluate": "search.enqueue",
}


def called_otherwise(name: str, known: Iterable[str]) -> list[str]:
    """The known options that others call so."""
    there = {plain_name(one): one for one in known}
    if plain_name(name) in there:
        return [there[plain_name(name)]]
    return [one for one in OTHER_NAMES.get(plain_name(name), ()) if one in there]


def other_name(name: str) -> str:
    """The key that others call by this name, in full; the name itself if they call none so."""
    key = OTHER_KEYS.get(plain_name(name), name)
    # what chooses a section is no key of one
    return key if "." in key or key == name else name


def key_called_otherwise(name: str, known: Iterable[str]) -> list[str]:
    """The known key or group that others call by this name."""
    key = OTHER_KEYS.get(plain_name(name))
    return [key] if key in set(known) else []
