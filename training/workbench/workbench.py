"""What trials share: the base model, the tokenizer and the encoded data, loaded once a process."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn
from transformers import PreTrainedModel

from slimtune.training.config.fit import Precision
from slimtune.training.config.model import Quantization
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.batching import Split
from slimtune.training.data.encoding import Recipe, encode
from slimtune.training.data.examples import Example
from slimtune.training.data.splits import Splits, load_splits
from slimtune.training.hardware.device import Resources, attention_of
from slimtune.training.hardware.memory import check_weights
from slimtune.training.methods import Method, Setting, method_of
from slimtune.training.models.from_config import with_model
from slimtune.training.models.loading import Base, check_model, load_base, load_tokenizer, taken, trial_copy
from slimtune.training.tasks import Task, task_of


class Data(NamedTuple):
    """What trials learn from.

    Attributes:
        config: The trial's, with a folder to load the model from.
        task: The task with its labels.
        model: Without its weights.
        tokenizer: The checkpoint's.
        splits: The rows as text.
        encoded: `train`, `validation` and, if there are such rows, `test`.
        fingerprint: sha256 of all rows and the split that they are in.
    """

    config: TrialConfig
    task: Task
    model: PreTrainedModel
    tokenizer: Any
    splits: Splits
    encoded: dict[str, Split]
    fingerprint: str


class Workbench(NamedTuple):
    """Attributes:
    task: The task with its labels.
    tokenizer: The checkpoint's.
    base: The resident model.
    splits: `train`, `validation` and, if there are such rows, `test`.
    examples: The same rows as text.
    data_fingerprint: sha256 of all rows and the split that they are in.
    num_cut: Training rows that `data.max_length` cut.
    num_duplicates: Rows dropped because the same text stood before them.
    """

    task: Task
    tokenizer: Any
    base: Base
    splits: dict[str, Split]
    examples: dict[str, list[Example]]
    data_fingerprint: str
    num_cut: int
    num_duplicates: int


_resident: dict[str, Workbench] = {}


def workbench_for(config: TrialConfig, resources: Resources) -> Workbench:
    """The workbench of a config; the one used last stays in memory."""
    key = workbench_key(config, resources)
    if key not in _resident:
        _resident.clear()
        _resident[key] = _build(config, resources)
    return _resident[key]


def clear() -> None:
    """Forget the resident workbench."""
    _resident.clear()


def base_dtype(config: TrialConfig, precision: Precision) -> torch.dtype:
    """How the base is stored: weights that move in fp32, frozen ones in the precision that they compute in."""
    if not method_of(config.method).shares_base:
        return torch.float32
    return {Precision.bf16: torch.bfloat16, Precision.fp16: torch.float16}.get(precision, torch.float32)


def workbench_key(config: TrialConfig, resources: Resources) -> str:
    """What trials must have in common to share a workbench."""
    dtype = base_dtype(config, resources.precision)
    parts = [asdict(config.task), asdict(config.data), asdict(config.model), str(dtype), str(resources.device)]
    return json.dumps(parts, default=str, sort_keys=True)


def trainable(method: Method, bench: Workbench, *, copied: bool = True) -> nn.Module:
    """A fresh model for a trial, drawn from torch's global generator; not copied, it is the base, which is used up."""
    model = trial_copy(bench.base, share_weights=method.shares_base) if copied else taken(bench.base)
    return method.prepare(model, Setting(bench.task.peft_task_type, bench.base.new_keys))


def data_of(config: TrialConfig) -> Data:
    """Read, split and encode the data of a config; what was encoded before is loaded.

    Raises:
        UserError: Data, labels or model cannot be used.
    """
    config = with_model(config)
    splits = load_splits(config)
    task = task_of(config, splits.train)
    model = check_model(config.model, task)
    tokenizer = load_tokenizer(config.model)
    named = {name: examples for name, examples in splits.named().items() if examples}
    encoded = {name: ready(examples, task, tokenizer, config=config, name=name) for name, examples in named.items()}
    return Data(config, task, model, tokenizer, splits, encoded, fingerprint(splits))


def ready(examples: Sequence[Example], task: Task, tokenizer: Any, *, config: TrialConfig, name: str) -> Split:
    """Rows of a split, encoded and with their labels.

    Raises:
        DataError: A label does not occur in training.
    """
    recipe = Recipe(task.settings(), lambda: task.encode(examples, tokenizer))
    cache_dir = Path(config.data.cache_dir).expanduser() / "encoded"
    contents = (example.content() for example in examples)
    return task.split(examples, encode(contents, tokenizer, recipe, cache_dir=cache_dir), name=name)


def _build(config: TrialConfig, resources: Resources) -> Workbench:
    data = data_of(config)
    check_weights(data.model, _weight_bytes(config, resources), resources.device, most_mb=config.fit.max_memory_mb)
    return Workbench(
        task=data.task,
        tokenizer=data.tokenizer,
        base=base_of(data.config, resources, task=data.task, tokenizer=data.tokenizer),
        splits=data.encoded,
        examples={name: rows for name, rows in data.splits.named().items() if rows},
        data_fingerprint=data.fingerprint,
        num_cut=data.encoded["train"].encoded.num_cut,
        num_duplicates=data.splits.num_duplicates,
    )


def _weight_bytes(config: TrialConfig, resources: Resources) -> float:
    match config.model.quantization:
        case None:
            return base_dtype(config, resources.precision).itemsize
        case Quantization.int8:
            return 1
        case _:
            return 0.5


def base_of(config: TrialConfig, resources: Resources, *, task: Task, tokenizer: Any) -> Base:
    """The base model of a config, stored as its trials compute with it."""
    attention = attention_of(config.model.attention, resources.device, max_length=config.data.max_length)
    return load_base(
        replace(config.model, attention=attention),
        task,
        dtype=base_dtype(config, resources.precision),
        device=resources.device,
        pad_token_id=tokenizer.pad_token_id,
    )


def fingerprint(splits: Splits) -> str:
    """sha256 of the rows and the split that each is in."""
    rows = {name: [example.content() for example in examples] for name, examples in splits.named().items()}
    return hashlib.sha256(json.dumps(rows, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
