"""What a pass over a batch gives: the task's logits, or the loss of each token where logits would be large."""

# B rows, K positions, N labelled ones of all B x K, H features, V vocabulary

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from slimtune.training.data.batching import Batch, EncodedSplit
from slimtune.training.metrics import Tally
from slimtune.training.tasks.causal_generation import Causal
from slimtune.training.tasks.fused_loss.chunked_nats import chunked_nats
from slimtune.training.tasks.fused_loss.head_input import head_input, plain_head
from slimtune.training.tasks.language_modelling import LanguageModelling
from slimtune.training.tasks.loss import LossSum, aligned
from slimtune.training.tasks.protocol import Task
from slimtune.training.tasks.seq2seq_generation import EncoderDecoder
from slimtune.training.tasks.token_loss import nats_tally

# whose loss is the cross entropy of tokens; a class of the user's own that is derived of one may have another
TOKEN_TASKS = (Causal, EncoderDecoder, LanguageModelling)


def pass_output(task: Task, model: nn.Module, batch: Batch, *, label_smoothing: float = 0.0) -> torch.Tensor:
    """Logits (B, ...) as the task gives them, or nats (B, K) of tokens whose logits would be large.

    Which of them depends on the shapes and on the model, and not on what memory there is.
    """
    nats_BK = _fused(task, model, batch, label_smoothing)
    return task.logits(model, batch) if nats_BK is None else nats_BK


def loss_of(task: Task, output: torch.Tensor, batch: Batch, *, label_smoothing: float) -> LossSum:
    """The training loss of what `pass_output` gave, with the same smoothing."""
    if _is_nats(task, output):
        return LossSum(output.sum(), batch.num_examples)
    return task.loss(output, batch, label_smoothing=label_smoothing)


def tally_of(task: Task, output: torch.Tensor, batch: Batch, split: EncodedSplit, rows: Sequence[int]) -> Tally:
    """The metrics' state of what `pass_output` gave without smoothing."""
    if _is_nats(task, output):
        return nats_tally(output, batch, row=rows)
    return task.tally(output, batch, split, rows)


def _is_nats(task: Task, output: torch.Tensor) -> bool:
    """Logits of tokens have a dimension more."""
    return type(task) in TOKEN_TASKS and output.ndim == 2


def _fused(task: Any, model: nn.Module, batch: Batch, label_smoothing: float) -> torch.Tensor | None:
    if type(task) not in TOKEN_TASKS or task.has_own_loss:
        return None
    head = plain_head(model)
    labels_BK = aligned(batch)
    if head is None or not head.is_large(labels_BK.numel()):
        return None
    call = task.call(model, batch)
    found = head_input(model, head, dict(call.inputs))
    if found is None:
        return None
    hidden_NH, labels_N = call.kept_of(found.hidden).flatten(0, 1), labels_BK.flatten()
    if batch.labelled_N is None:
        return chunked_nats(hidden_NH, head, labels_N, label_smoothing=label_smoothing).view(labels_BK.shape)
    # the answers alone: other positions are kept because another row has an answer there
    labelled_N = batch.labelled_N.to(labels_N.device, non_blocking=True)
    own_N = chunked_nats(
        hidden_NH.index_select(0, labelled_N), head, labels_N[labelled_N], label_smoothing=label_smoothing
    )
    return own_N.new_zeros(labels_BK.numel()).index_copy(0, labelled_N, own_N).view(labels_BK.shape)
