"""A checkpoint on disk, opened once: its record, config, task, tokenizer and model."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import torch
from transformers import PreTrainedModel

from slimtune.training.broken_files import BROKEN, fault_of, read_object
from slimtune.training.checkpoints.find import RECORD as RECORD
from slimtune.training.checkpoints.recorded_base import found_base, lost_base_told
from slimtune.training.config.method import FullMethod
from slimtune.training.config.model import ModelConfig
from slimtune.training.config.trial import TrialConfig
from slimtune.training.config.trust import check_trusted, code_of, recorded_trial
from slimtune.training.errors import ModelError, UserError, is_out_of_memory
from slimtune.training.hardware.attention import attention_of
from slimtune.training.methods import method_of
from slimtune.training.methods.quantized import dequantized
from slimtune.training.models.config_faults import broken_file
from slimtune.training.models.loading import load_base, load_tokenizer
from slimtune.training.models.place import resolved_path
from slimtune.training.models.weights_fingerprint import weights_fingerprint
from slimtune.training.tasks import Task, task_of

REPAIR = "bring it back as it was, train again, or take another checkpoint"
# of a record's values
KINDS = {
    "config": dict,
    "labels": list,
    "scores": dict,
    "examples_seen": int,
    "data_fingerprint": str,
    "base_dtype": str,
}


class CheckpointRecord(NamedTuple):
    """What a checkpoint says of itself.

    Attributes:
        config: The trial's composed config as plain values.
        labels: Label names in the order of their ids.
        scores: `split/metric` when it was written.
        examples_seen: Training examples until then.
        data_fingerprint: sha256 of the rows that it was trained and validated on.
        base_dtype: How the base was stored, and from what it was quantized.
        base_fingerprint: sha256 of what the base's weights are known by; None where that is not known.
    """

    config: dict[str, Any]
    labels: tuple[str, ...]
    scores: dict[str, float]
    examples_seen: int
    data_fingerprint: str
    base_dtype: str = "float32"
    base_fingerprint: str | None = None


@dataclass(frozen=True)
class Checkpoint:
    """A trial's checkpoint, as `open_checkpoint` gives it: read once, and handed on.

    Attributes:
        folder: Where it lies.
        record: What it says of itself.
        config: The typed config that it was trained with; the base is the folder where it is found now.
    """

    folder: Path
    record: CheckpointRecord
    config: TrialConfig

    @cached_property
    def task(self) -> Task:
        """Its task, with its labels."""
        with self.lost_base_told():
            return task_of(self._own_config, labels=self.record.labels)

    def tokenizer(self) -> Any:
        """The tokenizer that was saved with it, loaded anew.

        Raises:
            ModelError: There is none.
        """
        self._check_files()
        tokenizer = load_tokenizer(replace(self.config.model, name_or_path=str(self.folder), revision=None))
        if tokenizer.pad_token_id is None:
            raise ModelError(
                f"{self.folder}: its tokenizer has no token to pad with, as its tokenizer_config.json is missing or "
                f"lacks it; {REPAIR}"
            )
        return tokenizer

    def model(self) -> torch.nn.Module:
        """The trained model in fp32 on the CPU, adapters unmerged, in evaluation mode, loaded anew.

        Weights that were quantized in training are what their few bits stand for.

        Raises:
            ModelError: The weights or the base model cannot be read, or the base is another than it was trained on.
        """
        self._check_files()
        config = self._own_config
        whole = isinstance(config.method, FullMethod)
        with self.lost_base_told():
            base = _load_base(config, self.record, str(self.folder) if whole else resolved_path(config.model))
        if not whole:
            self.check_base(config.model)
        try:
            return method_of(config.method).load(base, self.folder)
        except UserError:
            raise
        except Exception as error:
            # any: what reads an adapter's settings has the errors of whatever line stumbled over them
            if is_out_of_memory(error):
                raise
            raise ModelError(
                f"{self.folder}: what it keeps of method={config.method.name} is broken: {fault_of(error)}; {REPAIR}"
            ) from error

    def _check_files(self) -> None:
        if (broken := broken_file(self.folder)) is not None:
            raise ModelError(f"{self.folder}: {broken}; {REPAIR}")

    def check_base(self, base: ModelConfig) -> None:
        """Whether a base model has the weights that it was trained on.

        Raises:
            ModelError: Its folder, package or hub name has others now.
        """
        known, found = self.record.base_fingerprint, weights_fingerprint(base)
        if None not in (known, found) and found != known:
            raise ModelError(
                f"'{base.name_or_path}' has other weights than those that {self.folder} was trained on, and it fits "
                "those only; bring them back, or train again on these"
            )

    def lost_base_told(self) -> AbstractContextManager[None]:
        """What a block raises of a base that is found nowhere says what its recorded name is relative to."""
        return lost_base_told(self._own_config.model, self.folder)

    @cached_property
    def _own_config(self) -> TrialConfig:
        """A checkpoint that is a whole model says itself what it is; of an adapter, the base does."""
        if isinstance(self.config.method, FullMethod):
            return self.config._replace(model=replace(self.config.model, name_or_path=str(self.folder), revision=None))
        return self.config


def open_checkpoint(folder: Path, *, trust: bool = False) -> Checkpoint:
    """Read the record of a checkpoint; weights and tokenizer are loaded when they are asked for.

    Args:
        folder: A trial's `checkpoint-*` folder.
        trust: Whether code that its record names may be run, although the user's own command does not name it.

    Raises:
        ModelError: The folder is no checkpoint, is incomplete, or was written by a version with other keys.
        UntrustedError: Its record names such code.
    """
    record = _read_record(folder)
    config = recorded_trial(record.config, folder / RECORD, trust=trust)
    found = config._replace(model=found_base(config.model, folder))
    # a name of the hub that is trusted says nothing of a folder of that name
    check_trusted(code_of(found), folder / RECORD, trust=trust)
    return Checkpoint(folder, record, found)


def _read_record(folder: Path) -> CheckpointRecord:
    try:
        values = read_object(folder / RECORD)
        for name, kind in KINDS.items():
            if not isinstance(values[name], kind):
                raise ValueError(f"its '{name}' is of another kind than slimtune writes")
        if not all(isinstance(label, str) for label in values["labels"]):
            raise ValueError("its 'labels' are not all texts")
        return CheckpointRecord(
            config=values["config"],
            labels=tuple(values["labels"]),
            scores=values["scores"],
            examples_seen=values["examples_seen"],
            data_fingerprint=values["data_fingerprint"],
            base_dtype=values["base_dtype"],
            base_fingerprint=values.get("base_fingerprint"),
        )
    except FileNotFoundError:
        raise ModelError(f"{folder} is no checkpoint: it has no {RECORD}; give a trial's checkpoint-* folder") from None
    except BROKEN as error:
        raise ModelError(f"{folder / RECORD} is broken: {fault_of(error)}; {REPAIR}") from None


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
