"""What tasks share whose labels are those of tokens."""

# B rows, K labelled positions

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from training.batches import Batch
from training.encode import Encoded
from training.loss import LossSum, aligned, at_least_float32, token_nats
from training.metrics import Tally

OwnLoss = Callable[..., torch.Tensor] | None


def token_loss(logits: torch.Tensor, batch: Batch, own: OwnLoss, *, label_smoothing: float) -> LossSum:
    """Cross entropy of the labelled tokens, or the user's own mean times their number."""
    labels_BK = aligned(batch)
    if own is not None:
        return LossSum(own(logits, labels_BK) * (labels_BK >= 0).sum(), len(batch))
    return LossSum(token_nats(logits, labels_BK, label_smoothing=label_smoothing).sum(), len(batch))


def token_tally(logits: torch.Tensor, batch: Batch, **columns: Any) -> Tally:
    """Nats and labelled tokens of each row, beside other columns."""
    labels_BK = aligned(batch)
    nats_B = token_nats(logits, labels_BK).double().sum(-1)
    return Tally.of(nats=nats_B.tolist(), weight=(labels_BK >= 0).sum(-1).tolist(), **columns)


def weights_of(encoded: Encoded, *, next_token: bool) -> np.ndarray:
    """Labelled tokens of each row; the first token of a row is no next token."""
    labels = encoded.columns["labels"]
    counted = (labels.values_T >= 0).astype(np.int64)
    if next_token:
        counted[labels.starts_N1[:-1]] = 0
    return np.add.reduceat(counted, labels.starts_N1[:-1]).astype(np.float64)


def unwrapped(model: Any) -> Any:
    """transformers' own model inside of peft's."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def run(model: nn.Module, batch: Batch, **more: Any) -> torch.Tensor:
    """The model's logits in float32 at least."""
    return at_least_float32(model(**batch.inputs, **more).logits)
