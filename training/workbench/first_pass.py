"""Loss, metrics and task of the user's own, called on a few rows before the first trial."""

# B rows

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from slimtune.training.config.task import CustomTask
from slimtune.training.data.batching import Batch, EncodedSplit, collate
from slimtune.training.errors import ConfigError
from slimtune.training.workbench.prepared_data import PreparedData

NUM_ROWS = 4
# 2 GB in float32
MOST_PARAMETERS = 500_000_000


def has_own_code(data: PreparedData) -> bool:
    """Whether a trial calls code of the user's own in its steps and evaluations."""
    task = data.config.task
    return isinstance(task, CustomTask) or task.loss is not None


def check_first_pass(data: PreparedData) -> None:
    """Take the loss of a few of the shortest training rows, and what scores are made of.

    Raises:
        ConfigError: Code of the user's own fails, or gives what cannot be trained by.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        outputs = _Outputs(data)
        _check_loss(data, outputs)
        _check_tally(data, outputs)


def _check_loss(data: PreparedData, outputs: "_Outputs") -> None:
    train = data.encoded["train"]
    logits, batch = outputs.of(train, _shortest(train))
    if logits is None:
        return
    loss = data.task.loss(logits, batch, label_smoothing=data.config.fit.label_smoothing).nats
    if not loss.requires_grad:
        raise ConfigError(["task.loss gives a number without a gradient; compute it from the tensors that it is given"])


def _check_tally(data: PreparedData, outputs: "_Outputs") -> None:
    split = data.encoded["validation"]
    rows = _shortest(split)
    with torch.no_grad():
        logits, batch = outputs.of(split, rows)
        if logits is not None:
            data.task.tally(logits, batch, split, rows.tolist())


def _shortest(split: EncodedSplit) -> np.ndarray:
    return np.argsort(split.encoded.lengths(), kind="stable")[:NUM_ROWS]


class _Outputs:
    """What a model gives for rows: for a task of ours any numbers of that shape, else those of one with new weights."""

    def __init__(self, data: PreparedData) -> None:
        self._data = data
        self._model: Any = None

    def of(self, split: EncodedSplit, rows: np.ndarray) -> tuple[torch.Tensor | None, Batch]:
        """None for a model that is too large to be made for this."""
        pad_id = int(self._data.tokenizer.pad_token_id)
        batch = collate(split, rows, pad_id=pad_id, device=torch.device("cpu"))
        shape = None if isinstance(self._data.config.task, CustomTask) else self._shape(batch)
        if shape is not None:
            return torch.randn(shape, requires_grad=True), batch
        if self._data.model.num_parameters() > MOST_PARAMETERS:
            return None, batch
        if self._model is None:
            self._model = type(self._data.model)(copy.deepcopy(self._data.model.config))
            self._model.eval()
        return self._data.task.logits(self._model, batch), batch

    def _shape(self, batch: Batch) -> Sequence[int] | None:
        """Of the model's output, without its weights; None if only running it tells."""
        model: Any = copy.deepcopy(self._data.model)
        model.eval()
        with FakeTensorMode(allow_non_fake_inputs=True) as fakes:
            model = model.to_empty(device="cpu")
            inputs = {name: fakes.from_tensor(one) for name, one in batch.inputs.items()}
            try:
                return tuple(self._data.task.logits(model, Batch(inputs, batch.labels, batch.kept_K)).shape)
            except RuntimeError:
                # it looks at numbers
                return None
