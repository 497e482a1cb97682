"""Checkpoints on disk: written aside, then renamed; one folder holds all that is needed to go on."""

import json
import shutil
from collections import deque
from collections.abc import Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import torch
from omegaconf import OmegaConf
from transformers import PreTrainedModel

from slimtune.training.atomic_files import folder_aside
from slimtune.training.checkpoints.training_state import KEPT
from slimtune.training.config.method import FullConfig
from slimtune.training.config.trial import TrialConfig, parse_trial
from slimtune.training.errors import ConfigError, ModelError
from slimtune.training.hardware.device import attention_of
from slimtune.training.methods import Method, method_of
from slimtune.training.methods.quantized import dequantized
from slimtune.training.models.architecture import resolved_path
from slimtune.training.models.from_config import with_model
from slimtune.training.models.loading import load_base, load_tokenizer
from slimtune.training.tasks import Task, task_of

RECORD = "slimtune.json"
PACKAGES = ("torch", "transformers", "peft", "safetensors")


class CheckpointRecord(NamedTuple):
    """What a checkpoint says of itself.

    Attributes:
        config: The trial's composed config as plain values.
        labels: Label names in the order of their ids.
        scores: `split/metric` when it was written.
        examples_seen: Training examples until then.
        data_fingerprint: sha256 of the rows that it was trained and validated on.
        base_dtype: How the base was stored, and from what it was quantized.
    """

    config: dict[str, Any]
    labels: tuple[str, ...]
    scores: dict[str, float]
    examples_seen: int
    data_fingerprint: str
    base_dtype: str = "float32"


def _folder_of(folder: Path, examples_seen: int) -> Path:
    """Where the checkpoint of a trial lies."""
    return folder / f"checkpoint-{examples_seen}"


class BestCheckpoint:
    """Keeps the best checkpoint of one trial on disk.

    Adapters are copied and written by a thread, so that training goes on; a model that is trained whole is written at
    once, since a copy of it would cost as much memory as the model.
    """

    def __init__(self, model: Any, tokenizer: Any, folder: Path, *, method: Method) -> None:
        self._model, self._tokenizer, self._folder, self._method = model, tokenizer, folder, method
        self._writer = ThreadPoolExecutor(1, "checkpoint")
        self._written: Future[None] | None = None
        self._needed: deque[Path] = deque(maxlen=KEPT)

    def keep(self, record: CheckpointRecord) -> Path:
        """Begin to write the model as it is now; the folder that it will be in."""
        self.wait()
        state = self._method.snapshot(self._model)
        if state is None:
            self._write(record, None)
        else:
            self._written = self._writer.submit(self._write, record, state)
        return _folder_of(self._folder, record.examples_seen)

    def wait(self) -> None:
        """Until all is on disk.

        Raises:
            OSError: It could not be written.
        """
        if self._written is not None:
            written, self._written = self._written, None
            written.result()

    def _write(self, record: CheckpointRecord, state: Mapping[str, torch.Tensor] | None) -> None:
        """Write the checkpoint aside, rename it, and remove the earlier ones that no saved state needs."""
        target = _folder_of(self._folder, record.examples_seen)
        versions = {name: version(name) for name in PACKAGES}
        values = {**record._asdict(), "versions": versions}
        with folder_aside(target) as aside:
            self._method.save(self._model, aside, state)
            self._tokenizer.save_pretrained(aside)
            (aside / RECORD).write_text(json.dumps(values, indent=1, ensure_ascii=False))
        self._remove_but({target, *self._needed})

    def protect(self, folder: Path) -> None:
        """Keep a checkpoint that a saved state goes on from, as long as the state is kept."""
        self._needed.append(folder)

    def tidy(self, best: Path) -> None:
        """At the trial's end: no other one is needed any more."""
        self._remove_but({best})

    def _remove_but(self, kept: Collection[Path]) -> None:
        for old in self._folder.glob("checkpoint-*"):
            if old not in kept:
                shutil.rmtree(old)


def read_record(folder: Path) -> CheckpointRecord:
    """What the checkpoint says of itself.

    Raises:
        ModelError: The folder is no checkpoint of slimtune, or is incomplete.
    """
    try:
        values: Mapping[str, Any] = json.loads((folder / RECORD).read_text())
        return CheckpointRecord(
            config=values["config"],
            labels=tuple(values["labels"]),
            scores=values["scores"],
            examples_seen=values["examples_seen"],
            data_fingerprint=values["data_fingerprint"],
            base_dtype=values["base_dtype"],
        )
    except FileNotFoundError:
        raise ModelError(f"{folder} is no checkpoint: it has no {RECORD}; give a trial's checkpoint-* folder") from None
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ModelError(f"{folder / RECORD} is broken ({error}); train again or take another checkpoint") from None


def load_model(folder: Path) -> torch.nn.Module:
    """The trained model in fp32 on the CPU, adapters unmerged, in evaluation mode.

    Weights that were quantized in training are what their few bits stand for.

    Raises:
        ModelError: The checkpoint or its base model cannot be read.
    """
    record = read_record(folder)
    config = _with_own_model(trial_config(record, folder), folder)
    path = str(folder) if isinstance(config.method, FullConfig) else resolved_path(config.model)
    return method_of(config.method).load(_load_base(config, record, path), folder)


def trial_config(record: CheckpointRecord, folder: Path) -> TrialConfig:
    """The typed config of a checkpoint.

    Keys of `fit` that came after it have their default: they say how to train, and the checkpoint is trained.

    Raises:
        ModelError: It was written by another version, with other keys.
    """
    parsed = parse_trial(with_fit_defaults(record.config))
    if parsed.problems:
        raise ModelError(f"{folder / RECORD} does not fit this version of slimtune: {ConfigError(parsed.problems)}")
    config: TrialConfig = parsed.section
    return config


def with_fit_defaults(values: Mapping[str, Any]) -> dict[str, Any]:
    """A checkpoint's config with the keys of `fit` that came after it."""
    return {**values, "fit": {**_fit_defaults(), **values.get("fit", {})}}


@cache
def _fit_defaults() -> dict[str, Any]:
    text = resources.files("slimtune.conf").joinpath("fit/default.yaml").read_text(encoding="utf-8")
    defaults: dict[str, Any] = OmegaConf.to_container(OmegaConf.create(text))  # type: ignore[assignment]
    return defaults


def _load_base(config: TrialConfig, record: CheckpointRecord, path: str) -> PreTrainedModel:
    device = torch.device("cpu")
    source = replace(
        config.model,
        name_or_path=path,
        revision=config.model.revision if path == config.model.name_or_path else None,
        attention=attention_of(config.model.attention, device, max_length=config.data.max_length),
    )
    task = task_of(config._replace(model=replace(config.model, name_or_path=path)), labels=record.labels)
    # pooling of decoders looks for the padding that the tokenizer makes
    pad_token_id = load_tokenizer(source).pad_token_id
    # quantized from what it was quantized from
    dtype = torch.float32 if source.quantization is None else getattr(torch, record.base_dtype)
    base = load_base(source, task, dtype=dtype, device=device, pad_token_id=pad_token_id).model
    return base if source.quantization is None else dequantized(base)


def own_task(folder: Path) -> Task:
    """The task of a checkpoint, with its labels.

    Raises:
        ModelError: The checkpoint cannot be read.
    """
    record = read_record(folder)
    config = _with_own_model(trial_config(record, folder), folder)
    return task_of(config, labels=record.labels)


def load_own_tokenizer(folder: Path) -> Any:
    """The tokenizer that was saved with a checkpoint.

    Raises:
        ModelError: There is none.
    """
    config = trial_config(read_record(folder), folder)
    return load_tokenizer(replace(config.model, name_or_path=str(folder), revision=None))


def _with_own_model(config: TrialConfig, folder: Path) -> TrialConfig:
    """A checkpoint that is a whole model says itself what it is; of an adapter, the base does."""
    if isinstance(config.method, FullConfig):
        return config._replace(model=replace(config.model, name_or_path=str(folder), revision=None))
    return with_model(config)
