"""What trials share: the base model, the tokenizer and the encoded data, loaded once a process."""

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import torch

from training.batches import Split
from training.config import FullConfig, Precision, TrialConfig
from training.encode import encode
from training.model import Base, load_base, load_tokenizer
from training.resources import Resources, attention_of
from training.split import Example, Splits, load_splits
from training.tasks import Classification
from training.tasks.classification import classification_of


class Workbench(NamedTuple):
    """Attributes:
    task: The task with its labels.
    tokenizer: The checkpoint's.
    base: The resident model.
    splits: `train`, `validation` and, if there are such rows, `test`.
    examples: The same rows as text.
    data_fingerprint: sha256 of all rows and the split that they are in.
    num_cut: Training rows that `data.max_length` cut.
    """

    task: Classification
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
    """How the base is stored: trained weights in fp32, frozen ones in the precision that they compute in."""
    if isinstance(config.method, FullConfig):
        return torch.float32
    return {Precision.bf16: torch.bfloat16, Precision.fp16: torch.float16}.get(precision, torch.float32)


def workbench_key(config: TrialConfig, resources: Resources) -> str:
    """What trials must have in common to share a workbench."""
    dtype = base_dtype(config, resources.precision)
    parts = [asdict(config.task), asdict(config.data), asdict(config.model), str(dtype), str(resources.device)]
    return json.dumps(parts, default=str, sort_keys=True)


def _build(config: TrialConfig, resources: Resources) -> Workbench:
    splits = load_splits(config.data)
    task = classification_of(config.task.labels, splits.train)
    tokenizer = load_tokenizer(config.model)
    encoded = _encode_all(config, splits, task=task, tokenizer=tokenizer)
    return Workbench(
        task=task,
        tokenizer=tokenizer,
        base=base_of(config, resources, task=task, tokenizer=tokenizer),
        splits=encoded,
        examples={name: rows for name, rows in _named(splits).items() if rows},
        data_fingerprint=fingerprint(splits),
        num_cut=encoded["train"].encoded.num_cut,
        num_duplicates=splits.num_duplicates,
    )


def base_of(config: TrialConfig, resources: Resources, *, task: Classification, tokenizer: Any) -> Base:
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
    rows = {name: [list(example) for example in examples] for name, examples in _named(splits).items()}
    return hashlib.sha256(json.dumps(rows, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def _named(splits: Splits) -> dict[str, list[Example]]:
    return {"train": splits.train, "validation": splits.validation, "test": splits.test}


def _encode_all(config: TrialConfig, splits: Splits, *, task: Classification, tokenizer: Any) -> dict[str, Split]:
    cache_dir = Path(config.data.cache_dir).expanduser() / "encoded"
    ready = {}
    for name, examples in _named(splits).items():
        if examples:
            labels = task.label_ids(examples, split=name)
            texts = [example.text for example in examples]
            ready[name] = Split(
                encode(texts, tokenizer, max_length=config.data.max_length, cache_dir=cache_dir), labels
            )
    return ready
