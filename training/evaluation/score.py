"""Scores of a model on a split."""

# B rows of a batch, N rows of the split

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from slimtune.training.data.batching import Batch, EncodedSplit, by_length, by_tokens, collate
from slimtune.training.errors import is_out_of_memory
from slimtune.training.evaluation.passes import CALL_TOKENS, Passes
from slimtune.training.metrics import Measure, Tally, compute_all, merged
from slimtune.training.tasks import Task
from slimtune.training.tasks.fused_loss.pass_output import tally_of

OutputOf = Callable[[Batch], tuple[torch.Tensor, Batch]]

# scores of a batch: half a GB in float32, and 4 GB
EVAL_LOGITS = {"cpu": 1 << 27, "cuda": 1 << 30}


class Evaluation(NamedTuple):
    """Scores of a model on a split, with what they are made of.

    Attributes:
        scores: Score name to value.
        tally: What they were computed from, in the order of the split's rows.
        generated: The same for text that the model wrote; None if it wrote none.
    """

    scores: dict[str, float]
    tally: Tally
    generated: Tally | None


def source_of(evaluation: Evaluation, measures: Sequence[Measure], name: str) -> tuple[Tally, Measure]:
    """The tally and the measure that a score came from."""
    for tally in (evaluation.tally, evaluation.generated):
        for measure in measures:
            if tally is not None and name in compute_all([measure], tally):
                return tally, measure
    raise KeyError(name)


@torch.inference_mode()
def score_split(
    model: nn.Module, split: EncodedSplit, *, task: Task, passes: Passes, batch: tuple[int | None, Any]
) -> Evaluation:
    """Run the model over the split; it is left in the mode that it was in.

    A batch that does not fit into memory is taken in halves.

    Args:
        model: In any mode.
        split: The rows.
        task: What the logits mean.
        passes: How the model is run, where and in what precision.
        batch: Rows of a batch (None takes as many as the device runs well), and the tokenizer.
    """
    (batch_size, tokenizer), resources = batch, passes.resources
    was_training = model.training
    model.eval()
    parts = []
    try:
        most, per_call = _most_tokens(model, split, passes), CALL_TOKENS[resources.device.type]
        lengths = passes.lengths(split.encoded.lengths())
        for rows in by_tokens(lengths, most, per_call) if batch_size is None else by_length(lengths, batch_size):
            inputs = collate(split, rows, pad_id=tokenizer.pad_token_id, device=passes.host)
            with resources.autocast():
                parts += _tallies(partial(passes.output, task, model), inputs, rows, task=task, split=split)
        with resources.autocast(), passes.writing(model):
            generated = task.generated(model, split, tokenizer, device=resources.device)
    finally:
        model.train(was_training)
    tally = merged(parts).in_order()
    scores = compute_all(task.measures, tally)
    if generated is not None:
        scores |= compute_all(task.measures, generated)
    return Evaluation(scores, tally, generated)


def _most_tokens(model: Any, split: EncodedSplit, passes: Passes) -> int:
    """Of a batch; fewer where each token has a score for every word of a large vocabulary."""
    most = passes.most_tokens
    if split.targets.labels_N is not None:
        return most
    return max(1, min(most, EVAL_LOGITS[passes.resources.device.type] // int(getattr(model.config, "vocab_size", 1))))


def _tallies(output_of: OutputOf, inputs: Batch, rows: np.ndarray, *, task: Task, split: EncodedSplit) -> list[Tally]:
    try:
        output, taken = output_of(inputs)
        return [tally_of(task, output, taken, split, rows.tolist())]
    except Exception as error:
        if not is_out_of_memory(error) or len(inputs) == 1:
            raise
    # outside of the handler, whose traceback would hold the tensors of the pass
    half = len(inputs) // 2
    return [
        tally
        for part in (slice(half), slice(half, None))
        for tally in _tallies(output_of, inputs.part(part), rows[part], task=task, split=split)
    ]
