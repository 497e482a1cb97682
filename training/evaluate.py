"""Scores of a model on a split."""

# B rows of a batch, N rows of the split, C classes

from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from training.batches import Batch, Split, by_length, by_tokens, collate
from training.metrics import Tally
from training.resources import Resources, is_out_of_memory
from training.step import autocast
from training.tasks import Classification

# tokens of a batch by type of device: larger ones only take memory
EVAL_TOKENS = {"cpu": 4096, "cuda": 131072}


class Evaluation(NamedTuple):
    """Attributes:
    scores: Metric name to value.
    logits_NC: Class scores in the order of the split's rows, float32, on the CPU.
    """

    scores: dict[str, float]
    logits_NC: torch.Tensor


@torch.inference_mode()
def score_split(
    model: nn.Module, split: Split, *, task: Classification, resources: Resources, batch: tuple[int | None, int]
) -> Evaluation:
    """Run the model over the split; it is left in the mode that it was in.

    A batch that does not fit into memory is taken in halves.

    Args:
        model: In any mode.
        split: The rows.
        task: What the logits mean.
        resources: Where and in what precision.
        batch: Rows of a batch (None takes as many as the device runs well), and the tokenizer's padding id.
    """
    batch_size, pad_id = batch
    was_training = model.training
    model.eval()
    tally = Tally.empty()
    logits_NC = torch.empty(len(split), len(task.labels))
    try:
        for rows in _batches(split.encoded.lengths(), batch_size, resources):
            inputs = collate(split, rows, pad_id=pad_id, device=resources.device)
            with autocast(resources):
                logits_BC = _logits(model, inputs, task)
            tally = tally.merge(task.tally(logits_BC, inputs))
            logits_NC[torch.from_numpy(rows)] = logits_BC.cpu()
    finally:
        model.train(was_training)
    return Evaluation(tally.compute(), logits_NC)


def _batches(lengths_N: np.ndarray, batch_size: int | None, resources: Resources) -> list[np.ndarray]:
    if batch_size is not None:
        return by_length(lengths_N, batch_size)
    return by_tokens(lengths_N, EVAL_TOKENS[resources.device.type])


def _logits(model: nn.Module, inputs: Batch, task: Classification) -> torch.Tensor:
    try:
        return task.logits(model, inputs)
    except Exception as error:
        if not is_out_of_memory(error) or len(inputs) == 1:
            raise
    # outside of the handler, whose traceback would hold the tensors of the pass
    half = len(inputs) // 2
    parts = (Batch(*(tensor[rows] for tensor in inputs)) for rows in (slice(half), slice(half, None)))
    return torch.cat([_logits(model, part, task) for part in parts])
