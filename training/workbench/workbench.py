"""What trials share: the base model, the tokenizer and the encoded data."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any, NamedTuple

import torch
from torch import nn

from slimtune.training.config.fit import Precision
from slimtune.training.config.model import Quantization
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.batching import EncodedSplit
from slimtune.training.data.examples import Example
from slimtune.training.hardware.attention import attention_of
from slimtune.training.hardware.memory import check_weights
from slimtune.training.hardware.resources import COMPUTE_DTYPES, Resources
from slimtune.training.methods import Method, Setting, method_of
from slimtune.training.models.loading import Base, load_base, taken, trial_copy
from slimtune.training.models.weights_fingerprint import weights_fingerprint
from slimtune.training.tasks import Task
from slimtune.training.workbench.prepared_data import ReadRows, prepare_data
from slimtune.training.workbench.scored_rows import scored_validation


class Workbench(NamedTuple):
    """The base model of trials with all that goes with it.

    Attributes:
        task: The task with its labels.
        tokenizer: The checkpoint's.
        base: The resident model.
        splits: `train`, `validation` (of these as many as `data.validation_rows` says) and, if there are such rows,
            `test`.
        examples: The same rows as text.
        data_fingerprint: sha256 of all rows and the split that they are in.
        base_fingerprint: sha256 of what the base's weights are known by; None where that is not known.
        num_cut: Training rows that `data.max_length` cut.
        num_duplicates: Rows dropped because the same text stood before them.
    """

    task: Task
    tokenizer: Any
    base: Base
    splits: dict[str, EncodedSplit]
    examples: dict[str, Sequence[Example]]
    data_fingerprint: str
    base_fingerprint: str | None
    num_cut: int
    num_duplicates: int


class Workbenches:
    """The workbench of whichever config asks; the one used last stays in memory.

    Whoever runs trials owns it. In another process it begins with no workbench, and with rows that were kept.

    Attributes:
        read: The rows of those that were asked for.
    """

    def __init__(self, read: ReadRows | None = None) -> None:
        self.read = read or ReadRows()
        self._resident: tuple[str, Workbench] | None = None

    def __reduce__(self) -> tuple[type["Workbenches"], tuple[ReadRows]]:
        return Workbenches, (self.read,)

    def get(self, config: TrialConfig, resources: Resources) -> Workbench:
        """The workbench of a config.

        Raises:
            UserError: Data, labels or model cannot be used.
            MemoryError: The base does not fit.
        """
        key = workbench_key(config, resources)
        if self._resident is None or self._resident[0] != key:
            # the old base goes before the new one comes
            self.clear()
            self._resident = key, workbench_for(config, resources, self.read)
        return self._resident[1]

    def clear(self) -> None:
        """Forget the resident workbench."""
        self._resident = None


def base_dtype(config: TrialConfig, precision: Precision) -> torch.dtype:
    """How the base is stored: weights that move in fp32, frozen ones in the precision that they compute in."""
    if not method_of(config.method).shares_base:
        return torch.float32
    return COMPUTE_DTYPES.get(precision, torch.float32)


def workbench_key(config: TrialConfig, resources: Resources) -> str:
    """What trials must have in common to share a workbench."""
    dtype = base_dtype(config, resources.precision)
    parts = [asdict(config.task), asdict(config.data), asdict(config.model), str(dtype), str(resources.device)]
    return json.dumps(parts, default=str, sort_keys=True)


def trainable(method: Method, bench: Workbench, *, copied: bool = True) -> nn.Module:
    """A fresh model for a trial, drawn from torch's global generator; not copied, it is the base, which is used up."""
    model = trial_copy(bench.base, share_weights=method.shares_base) if copied else taken(bench.base)
    return method.prepare(model, Setting(bench.task.peft_task_type, bench.base.new_keys))


def workbench_for(config: TrialConfig, resources: Resources, read: ReadRows | None = None) -> Workbench:
    """Read the data and load the base of a config.

    Args:
        config: The trial's.
        resources: Where the base is kept.
        read: Rows that were read before.

    Raises:
        UserError: Data, labels or model cannot be used.
        MemoryError: The base does not fit.
    """
    data = prepare_data(config, read)
    scored = scored_validation(data)
    check_weights(data.model, bytes_per_weight(config, resources), resources.device, most_mb=config.fit.max_memory_mb)
    return Workbench(
        task=data.task,
        tokenizer=data.tokenizer,
        base=base_of(data.config, resources, task=data.task, tokenizer=data.tokenizer),
        splits={**data.encoded, **scored.splits},
        examples={name: rows for name, rows in data.rows.named().items() if rows} | scored.examples,
        data_fingerprint=data.rows.fingerprint,
        base_fingerprint=weights_fingerprint(config.model),
        num_cut=data.encoded["train"].encoded.num_cut,
        num_duplicates=data.rows.num_duplicates,
    )


def bytes_per_weight(config: TrialConfig, resources: Resources) -> float:
    """How much a weight of the base takes."""
    match config.model.quantization:
        case None:
            return base_dtype(config, resources.precision).itemsize
        case Quantization.int8:
            return 1
        case _:
            return 0.5


def base_of(config: TrialConfig, resources: Resources, *, task: Task, tokenizer: Any) -> Base:
    """The base model of a config, stored as its trials compute with it."""
    attention = attention_of(
        config.model.attention,
        resources.device,
        max_length=config.data.max_length,
        precision=resources.precision,
    )
    return load_base(
        replace(config.model, attention=attention),
        task,
        dtype=base_dtype(config, resources.precision),
        device=resources.device,
        pad_token_id=tokenizer.pad_token_id,
    )
