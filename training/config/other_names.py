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

# the last parts of keys
OTHER_KEYS: dict[str, str] = {
    "num_train_epochs": "fit.epochs",
    "per_device_train_batch_size": "fit.batch_size",
    "per_device_eval_batch_size": "fit.eval_batch_size",
    "gradient_accumulation_steps": "fit.micro_batch_size",
    "lr_scheduler_type": "fit.schedule",
    "lr_scheduler": "fit.schedule",
    "scheduler": "fit.schedule",
    "optim": "fit.optimizer",
    "warmup_steps": "fit.warmup_share",
    "label_smoothing_factor": "fit.label_smoothing",
    "early_stopping_patience": "fit.patience",
    "fp16": "fit.precision",
    "bf16": "fit.precision",
    "rank": "method.r",
    "lora_r": "method.r",
    "lora_alpha": "method.alpha",
    "lora_dropout": "method.dropout",
}


def called_otherwise(name: str, known: Iterable[str]) -> list[str]:
    """The known options that others call so."""
    there = {plain_name(one): one for one in known}
    if plain_name(name) in there:
        return [there[plain_name(name)]]
    return [one for one in OTHER_NAMES.get(plain_name(name), ()) if one in there]


def key_called_otherwise(name: str, known: Iterable[str]) -> list[str]:
    """The known key that others call by this name."""
    key = OTHER_KEYS.get(plain_name(name))
    return [key] if key in set(known) else []
