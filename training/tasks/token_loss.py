"""What tasks share whose labels are those of tokens."""

# B rows, K labelled positions

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from slimtune.training.data.batching import IGNORED, Batch, EncodedSplit
from slimtune.training.data.encoding import Encoded
from slimtune.training.metrics import Tally
from slimtune.training.tasks.baselines import unigram_nats
from slimtune.training.tasks.loss import LossSum, aligned, at_least_float32, token_nats

LossFunction = Callable[..., torch.Tensor] | None


def token_loss(logits: torch.Tensor, batch: Batch, own: LossFunction, *, label_smoothing: float) -> LossSum:
    """Cross entropy of the labelled tokens, or the user's own mean times their number."""
    labels_BK = aligned(batch)
    if own is not None:
        return LossSum(own(logits, labels_BK) * (labels_BK >= 0).sum(), batch.num_examples)
    return LossSum(token_nats(logits, labels_BK, label_smoothing=label_smoothing).sum(), batch.num_examples)


def token_tally(logits: torch.Tensor, batch: Batch, **columns: Any) -> Tally:
    """Nats and labelled tokens of each row, beside other columns."""
    return nats_tally(token_nats(logits, aligned(batch)), batch, **columns)


def nats_tally(nats_BK: torch.Tensor, batch: Batch, **columns: Any) -> Tally:
    """The same, given the nats of each token."""
    labels_BK = aligned(batch)
    nats_B = nats_BK.double().sum(-1)
    return Tally.of(nats=nats_B.tolist(), weight=(labels_BK >= 0).sum(-1).tolist(), **columns)


def weights_of(encoded: Encoded, *, next_token: bool) -> np.ndarray:
    """Labelled tokens of each row; the first token of a row is no next token."""
    labels = encoded.columns["labels"]
    counted = (labels.values_T >= 0).astype(np.int64)
    if next_token:
        counted[labels.starts_N1[:-1]] = 0
    return np.add.reduceat(counted, labels.starts_N1[:-1]).astype(np.float64)


def token_counts(train: EncodedSplit, held_out: EncodedSplit, tokenizer: Any) -> Tally:
    """All labelled tokens of the held-out rows, predicted by how often each is in training."""
    train_ids, held_out_ids = (_labelled(split) for split in (train, held_out))
    nats = unigram_nats(train_ids, held_out_ids, len(tokenizer))
    return Tally.of(nats=[nats], weight=[len(held_out_ids)]) if len(held_out_ids) else Tally()


def _labelled(split: EncodedSplit) -> np.ndarray:
    ids_T = split.encoded.columns["labels"].values_T
    return np.asarray(ids_T[ids_T != IGNORED])


class ModelCall(NamedTuple):
    """How a task calls a model.

    Attributes:
        inputs: Keyword arguments.
        kept: Positions of the output that count (K); None for all.
    """

    inputs: Mapping[str, Any]
    kept: torch.Tensor | None = None

    def kept_of(self, output: torch.Tensor) -> torch.Tensor:
        """Those of an output (B, T, ...)."""
        return output if self.kept is None else output[:, self.kept]


def called(model: nn.Module, call: ModelCall) -> torch.Tensor:
    """The model's logits in float32 at least."""
    return call.kept_of(at_least_float32(model(**call.inputs).logits))


def num_virtual_tokens(model: Any) -> int:
    """Vectors that prompt tuning puts before each row, and that the model's output begins with."""
    settings = getattr(model, "active_peft_config", None)
    if settings is None:
        return 0
    from peft import PromptTuningConfig

    return settings.num_virtual_tokens if isinstance(settings, PromptTuningConfig) else 0
