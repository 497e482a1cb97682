"""A folder that peft wrote: what it says of itself, and whether peft gives back all that is in it."""

import warnings
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from peft import IA3Config, LoraConfig
from peft.utils import CONFIG_NAME, SAFETENSORS_WEIGHTS_NAME, get_peft_model_state_dict
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn
from transformers import PreTrainedModel

from slimtune.training.broken_files import BROKEN, fault_of, text_of_error
from slimtune.training.errors import ModelError
from slimtune.training.methods import Method
from slimtune.training.methods.peft_settings import read_adapter_settings

PICKLED = "adapter_model.bin"
VIRTUAL = (
    "PROMPT_TUNING",
    "MULTITASK_PROMPT_TUNING",
    "P_TUNING",
    "PREFIX_TUNING",
    "ADAPTION_PROMPT",
    "CPT",
    "CARTRIDGE",
)
DEFAULTS = {"LORA": LoraConfig, "IA3": IA3Config}
# settings that peft's load and merge take as they are; any other one must be at its default
MERGEABLE_SETTINGS = {
    *("task_type", "peft_type", "auto_mapping", "peft_version", "base_model_name_or_path", "revision"),
    *("inference_mode", "target_modules", "exclude_modules", "modules_to_save", "feedforward_modules"),
    *("fan_in_fan_out", "r", "lora_alpha", "lora_dropout", "bias", "use_rslora", "use_dora", "lora_bias"),
    *("rank_pattern", "alpha_pattern", "layers_to_transform", "layers_pattern", "init_lora_weights"),
    *("init_ia3_weights", "megatron_core", "eva_config", "qalora_group_size", "loftq_config"),
}
# ways to begin that leave the base as it is; the others take the adapter out of its weights
PLAIN_STARTS = (True, False, None, "gaussian", "eva", "orthogonal")
BY_HAND = "merge it by peft (merge_and_unload), save the model, and give its folder to --run"


def is_adapter(folder: Path) -> bool:
    """Whether a folder has settings of an adapter."""
    return (folder / CONFIG_NAME).is_file()


def read_peft_settings(folder: Path) -> Mapping[str, Any]:
    """peft's settings, of an adapter whose weights can be merged.

    Raises:
        ModelError: They are missing, or say something that no merged weights stand for, or that is not understood.
    """
    path = folder / CONFIG_NAME
    try:
        settings: Mapping[str, Any] = read_adapter_settings(path)
        kind = settings["peft_type"]
    except BROKEN as error:
        raise ModelError(
            f"{path} is not as peft writes it: {fault_of(error)}; save the adapter again by peft"
        ) from None
    if kind in VIRTUAL:
        raise ModelError(
            f"{path} has peft_type {kind}, whose virtual tokens have no weights that a graph could have; train by "
            "LoRA, DoRA or IA3 to export"
        )
    if kind not in DEFAULTS:
        raise ModelError(f"{path} has peft_type {kind}; LORA and IA3 are merged here: {BY_HAND}")
    _check_start(settings, path)
    _check_understood(settings, path)
    _check_safetensors(folder)
    return settings


def _check_start(settings: Mapping[str, Any], path: Path) -> None:
    start = settings.get("init_lora_weights", True)
    if start not in PLAIN_STARTS:
        raise ModelError(
            f"{path} has init_lora_weights={start}, which takes the adapter out of the base's weights; convert it to "
            "plain LoRA (peft: save_pretrained with path_initial_model_for_weight_conversion)"
        )


def _check_understood(settings: Mapping[str, Any], path: Path) -> None:
    make: Any = DEFAULTS[settings["peft_type"]]
    defaults: Mapping[str, Any] = make().to_dict()
    for key, value in settings.items():
        if key not in MERGEABLE_SETTINGS and value and value != defaults.get(key):
            raise ModelError(f"{path} has {key}={value!r}, which is not merged here: {BY_HAND}")


def _check_safetensors(folder: Path) -> None:
    if not (folder / SAFETENSORS_WEIGHTS_NAME).is_file():
        has = f"has {PICKLED} only, a pickle, which is not read" if (folder / PICKLED).is_file() else "has no weights"
        raise ModelError(
            f"{folder} {has}; load and save it once with peft, which writes {SAFETENSORS_WEIGHTS_NAME}: "
            "PeftModel.from_pretrained(base, folder).save_pretrained(folder)"
        )


def method_values(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The adapter as a config of the group `method`."""
    targets = _names(settings.get("target_modules"))
    whole = _names(settings.get("modules_to_save"))
    if settings["peft_type"] == "IA3":
        inputs = _names(settings.get("feedforward_modules"))
        return {"name": "ia3", "target_modules": targets, "feedforward_modules": inputs, "modules_to_save": whole}
    settings = {**LoraConfig().to_dict(), **settings}  # type: ignore[no-untyped-call]
    return {
        "name": "lora",
        "r": settings["r"],
        "alpha": float(settings["lora_alpha"]),
        "alpha_over_r": None,
        "dropout": settings["lora_dropout"],
        "target_modules": targets,
        "modules_to_save": whole,
        "use_rslora": settings["use_rslora"],
        "use_dora": settings["use_dora"],
        # how it began says nothing any more
        "init_lora_weights": "default",
        "rank_pattern": settings["rank_pattern"] or None,
        "alpha_pattern": settings["alpha_pattern"] or None,
    }


def _names(value: Any) -> list[str]:
    """Names of modules; peft takes one pattern too."""
    return [value] if isinstance(value, str) else sorted(value or [])


def check_adapter_fits(method: Method, model: PreTrainedModel, folder: Path, *, new_keys: Collection[str]) -> None:
    """Whether an adapter fits a base: peft only warns of tensors that it does not find, and leaves out others.

    Args:
        method: Loads it.
        model: The base, with the task's head; it is used up.
        folder: peft's.
        new_keys: Parameters that the base lacks, which the adapter must bring.

    Raises:
        ModelError: A tensor has another shape, or is missing on one side.
    """
    path = folder / SAFETENSORS_WEIGHTS_NAME
    try:
        saved = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path} is broken: {fault_of(error)}; save the adapter again") from None
    lacking = sorted(key for key in new_keys if f"base_model.model.{key}" not in saved)
    if lacking:
        raise ModelError(
            f"{folder}: neither the adapter nor its base has {lacking[0]}, which this task needs; take the task that "
            "it was trained for, a base with that head (--base), or train with the head in modules_to_save"
        )
    base = model.name_or_path
    loaded = _loaded(method, model, folder)
    needed = get_peft_model_state_dict(loaded, save_embedding_layers=False).keys()
    known = get_peft_model_state_dict(loaded, save_embedding_layers=True)
    wrong = sorted(needed - saved.keys()) or [key for key in sorted(saved) if not _same(saved[key], known.get(key))]
    if wrong:
        raise ModelError(
            f"{folder} does not fit the base '{base}': {wrong[0]} is not in both; give the base that it was trained "
            "on, by --base"
        )


def _loaded(method: Method, model: PreTrainedModel, folder: Path) -> nn.Module:
    base = model.name_or_path
    try:
        with warnings.catch_warnings():
            # what peft warns of is an error here, with a message of our own
            warnings.simplefilter("ignore")
            return method.load(model, folder)
    except ModelError as error:
        raise ModelError(f"{folder} does not fit the base '{base}': {error} (--base)") from None
    except Exception as error:  # noqa: BLE001  # peft's are those of whatever line stumbled
        raise ModelError(
            f"{folder} does not fit the base '{base}': {_reason(error)}; give the base that it was trained on, "
            "by --base, and for a classifier all its labels, by task.labels"
        ) from None


def _reason(error: Exception) -> str:
    said = isinstance(error, RuntimeError | ValueError) and text_of_error(error)
    return said or f"of its {CONFIG_NAME}, {fault_of(error)}"


def _same(saved: torch.Tensor, known: torch.Tensor | None) -> bool:
    return known is not None and torch.equal(saved.float(), known.float())
