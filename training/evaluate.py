"""Scores of a model on a split."""

# B rows of a batch, N rows of the split, C classes

from typing import NamedTuple

import torch
from torch import nn

from training.batches import Split, by_length, collate
from training.metrics import Tally
from training.resources import Resources
from training.step import autocast
from training.tasks import Classification


class Evaluation(NamedTuple):
    """Attributes:
    scores: Metric name to value.
    logits_NC: Class scores in the order of the split's rows, float32, on the CPU.
    """

    scores: dict[str, float]
    logits_NC: torch.Tensor


@torch.inference_mode()
def score_split(
    model: nn.Module, split: Split, *, task: Classification, resources: Resources, batch: tuple[int, int]
) -> Evaluation:
    """Run the model over the split; it is left in the mode that it was in.

    Args:
        batch: Rows of a batch, and the tokenizer's padding id.
    """
    batch_size, pad_id = batch
    was_training = model.training
    model.eval()
    tally = Tally.empty()
    logits_NC = torch.empty(len(split), len(task.labels))
    try:
        for rows in by_length(split.encoded.lengths(), batch_size):
            inputs = collate(split, rows, pad_id=pad_id, device=resources.device)
            with autocast(resources):
                logits_BC = task.logits(model, inputs)
            tally = tally.merge(task.tally(logits_BC, inputs))
            logits_NC[torch.from_numpy(rows)] = logits_BC.cpu()
    finally:
        model.train(was_training)
    return Evaluation(tally.compute(), logits_NC)
