"""A third-party model as a checkpoint: what it is made of, what its rows are, what it scores now."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from transformers import AutoConfig, AutoModel, PreTrainedModel

from slimtune.export.bundle.manifest import Provenance
from slimtune.export.external.class_names import class_names_of
from slimtune.export.external.peft_adapter import check_adapter_fits, is_adapter, method_values, read_peft_settings
from slimtune.training.broken_files import text_of_error
from slimtune.training.checkpoints.checkpoint import RECORD, CheckpointRecord, open_checkpoint
from slimtune.training.config.model import ModelConfig
from slimtune.training.config.trial import TrialConfig, parse_trial
from slimtune.training.config.trust import code_of, trust_own
from slimtune.training.errors import ConfigError, ModelError
from slimtune.training.evaluation.test_score import score_checkpoint
from slimtune.training.hardware.attention import attention_of
from slimtune.training.listed_names import with_commas
from slimtune.training.methods import method_of
from slimtune.training.models.config_faults import broken_file
from slimtune.training.models.loading import Base, load_base, load_tokenizer
from slimtune.training.models.place import check_weight_files, resolved_path
from slimtune.training.models.positions import positions_of
from slimtune.training.models.tokenizer_faults import has_tokenizer
from slimtune.training.tasks import Task, task_of
from slimtune.training.tasks.rows import read_splits

MODEL_CONFIG = "config.json"
SECTIONS = ("task", "data", "model", "method", "fit", "tracking")
FULL = {"name": "full", "trained_layers": None, "dropout": None}
CPU_DEVICE = torch.device("cpu")


class ThirdPartyModel(NamedTuple):
    """What a folder holds.

    Attributes:
        folder: As it was given.
        values: The composed config, with the model and the method that the folder is.
        adapter: peft's settings; None if it is a whole model.
    """

    folder: Path
    values: dict[str, Any]
    adapter: Mapping[str, Any] | None

    @property
    def provenance(self) -> Provenance:
        """For the manifest: what it comes from."""
        if self.adapter is None:
            return Provenance(source_format="transformers")
        base = self.adapter.get("base_model_name_or_path")
        return Provenance(source_format=f"peft {self.adapter['peft_type']}", source_base=base)


def is_third_party(folder: Path) -> bool:
    """Whether a folder holds a model or an adapter that slimtune has no record of."""
    return not (folder / RECORD).is_file() and ((folder / MODEL_CONFIG).is_file() or is_adapter(folder))


def read_third_party(folder: Path, values: Mapping[str, Any], *, base: str | None) -> ThirdPartyModel:
    """What a folder holds, looked at without loading it.

    Args:
        folder: A plain checkpoint of transformers, or an adapter of peft.
        values: The composed config: task, data and the settings of the model.
        base: What an adapter is over; None takes what its settings name.

    Raises:
        ModelError: It cannot be exported.
        ConfigError: The config asks for what a third-party folder cannot have.
    """
    if (broken := broken_file(folder)) is not None:
        raise ModelError(f"{folder}: {broken}; save the model again, or copy the file anew")
    model = dict(values["model"])
    if model["trust_remote_code"]:
        raise ConfigError(["model.trust_remote_code is true; code that comes with a folder is not run by export"])
    if is_adapter(folder):
        settings = read_peft_settings(folder)
        own = settings.get("base_model_name_or_path")
        if not (base or own):
            raise ModelError(f"{folder} does not name its base; give it by --base")
        revision = model["revision"] if base else settings.get("revision")
        return _third_party(folder, values, {"name_or_path": base or own, "revision": revision}, settings)
    if base is not None:
        raise ModelError(f"--base is '{base}', and {folder} is a whole model, which is over no base; leave it out")
    if model["quantization"] is not None:
        raise ConfigError(["model.quantization is for the base of an adapter; export.variants quantizes a whole model"])
    check_weight_files(folder)
    if not has_tokenizer(folder):
        raise ModelError(f"{folder} has no tokenizer; save it there too (tokenizer.save_pretrained)")
    return _third_party(folder, values, {"name_or_path": str(folder), "revision": None}, None)


def _third_party(
    folder: Path, values: Mapping[str, Any], model: Mapping[str, Any], settings: Mapping[str, Any] | None
) -> ThirdPartyModel:
    sections = {name: values[name] for name in SECTIONS}
    sections["model"] = {**sections["model"], "scratch": None, **model}
    sections["method"] = FULL if settings is None else method_values(settings)
    return ThirdPartyModel(folder, sections, settings)


def as_checkpoint(third_party: ThirdPartyModel, folder: Path) -> Path:
    """Write a checkpoint of it, whose weights are links, with the scores that PyTorch gives now.

    Args:
        third_party: What it is.
        folder: An empty folder to write to.

    Raises:
        ConfigError: Task and data are not described, or do not fit the model.
        ModelError: The model cannot be loaded whole, without a parameter that nobody trained.
        DataError: The rows cannot be read, or have labels that the model lacks.
    """
    parsed = parse_trial(third_party.values)
    if parsed.problems:
        raise ConfigError(parsed.problems)
    config: TrialConfig = parsed.section
    # task and rows are described by the user's own command
    trust_own(code_of(config))
    settings = _settings(third_party, config)
    splits = read_splits(config)
    labels = class_names_of(config.task, settings, splits)
    tokenizer = _tokenizer(third_party, config.model)
    _check_length(config, settings)
    _check_weights(third_party, config, labels, pad_token_id=tokenizer.pad_token_id)
    _link(third_party.folder, folder)
    tokenizer.save_pretrained(folder)
    dtype = str(settings.dtype or torch.float32).removeprefix("torch.")
    record = CheckpointRecord(third_party.values, labels, {}, 0, splits.fingerprint, dtype)
    _write(record, folder)
    _, found = score_checkpoint(open_checkpoint(folder), splits.validation, name="validation", every_row=False)
    scores = {f"validation/{name}": value for name, value in found.scores.items()}
    _write(record._replace(scores=scores), folder)
    return folder


def _settings(third_party: ThirdPartyModel, config: TrialConfig) -> Any:
    """transformers' config of the model, or of the adapter's base."""
    name = config.model.name_or_path
    try:
        path = resolved_path(config.model)
        settings: Any = AutoConfig.from_pretrained(path, revision=config.model.revision, trust_remote_code=False)
    except (ModelError, OSError, ValueError) as error:
        reason = text_of_error(error, 300)
        repair = "" if third_party.adapter is None else "; give the base that it was trained on, by --base"
        raise ModelError(f"{third_party.folder}: the model '{name}' cannot be read: {reason}{repair}") from None
    if getattr(settings, "quantization_config", None):
        repair = (
            "save it with plain weights (dequantize)"
            if third_party.adapter is None
            else "give the model that it was made from by --base, and how it was quantized, e.g. model.quantization=nf4"
        )
        raise ModelError(f"{third_party.folder}: the weights of '{name}' are stored quantized; {repair}")
    return settings


def _tokenizer(third_party: ThirdPartyModel, model: ModelConfig) -> Any:
    """Its own, or else that of its base."""
    if has_tokenizer(third_party.folder):
        model = replace(model, name_or_path=str(third_party.folder.absolute()), revision=None)
    tokenizer = load_tokenizer(model)
    if tokenizer.pad_token_id is None:
        raise ModelError(f"{model.name_or_path}: its tokenizer has no token to pad with; set its pad_token and save it")
    return tokenizer


def _check_length(config: TrialConfig, settings: Any) -> None:
    build: Any = AutoModel.from_config
    with torch.device("meta"):
        longest = positions_of(build(settings)).read
    if longest is not None and config.data.max_length > longest:
        raise ConfigError(
            [f"data.max_length is {config.data.max_length}, and the model takes {longest} tokens; use at most that"]
        )


def _check_weights(
    third_party: ThirdPartyModel, config: TrialConfig, labels: tuple[str, ...], *, pad_token_id: int
) -> None:
    """Whether all parameters that the task needs are there: a fresh head would be a model that nobody trained."""
    task = task_of(config, labels=labels)
    asked = (third_party.adapter or {}).get("task_type")
    if asked not in (None, task.peft_task_type):
        raise ModelError(
            f"{third_party.folder} was trained for {asked}, and task={config.task.name} needs {task.peft_task_type}; "
            "give the task that it was trained for"
        )
    base = _base(config, task, pad_token_id=pad_token_id)
    # vectors of texts are made without it
    new_keys = [key for key in sorted(base.new_keys) if not (config.task.name == "similarity" and "pooler." in key)]
    if third_party.adapter is not None:
        check_adapter_fits(method_of(config.method), base.model, third_party.folder, new_keys=new_keys)
    elif new_keys:
        raise ModelError(
            f"{third_party.folder} has no weights for {new_keys[0]}, which task={config.task.name} needs"
            f"{_counted(labels, base.model)}; give the task that it was trained for"
        )


def _counted(labels: tuple[str, ...], model: PreTrainedModel) -> str:
    return f" with {len(labels)} labels ({with_commas(labels)})" if labels else f" of a {model.config.model_type}"


def _base(config: TrialConfig, task: Task, *, pad_token_id: int) -> Base:
    """In fp32, whatever it was quantized to: which parameters there are does not depend on it."""
    attention = attention_of(config.model.attention, CPU_DEVICE, max_length=config.data.max_length)
    plain = replace(config.model, name_or_path=resolved_path(config.model), attention=attention, quantization=None)
    return load_base(plain, task, dtype=torch.float32, device=CPU_DEVICE, pad_token_id=pad_token_id)


def _link(source: Path, folder: Path) -> None:
    for path in source.iterdir():
        if path.suffix == ".safetensors":
            (folder / path.name).symlink_to(path.resolve())
        elif path.suffix == ".json" and path.name != RECORD:
            shutil.copyfile(path, folder / path.name)


def _write(record: CheckpointRecord, folder: Path) -> None:
    (folder / RECORD).write_text(json.dumps(record._asdict(), indent=1, ensure_ascii=False), encoding="utf-8")
