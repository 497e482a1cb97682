"""The one reading of the test split: predictions of a checkpoint on its held-out rows."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from training.batches import Split
from training.checkpoint import load_model, read_record, trial_config
from training.confidence import Interval, score_intervals
from training.config import Precision
from training.encode import encode
from training.evaluate import score_split
from training.model import load_tokenizer
from training.resources import Resources, free_cores
from training.split import load_splits
from training.tasks import Classification


class TestResult(NamedTuple):
    """Attributes:
    num_rows: Rows of the test split.
    scores: Accuracy and macro F1 with their intervals.
    """

    num_rows: int
    scores: dict[str, Interval]


def read_test(checkpoint: Path, *, seed: int) -> TestResult | None:
    """Score a checkpoint on the test rows of its own config, in fp32 on the CPU; None if it has none.

    Raises:
        ModelError: The checkpoint cannot be read.
        DataError: The rows cannot be read.
    """
    record = read_record(checkpoint)
    config = trial_config(record, checkpoint)
    examples = load_splits(config.data).test
    if not examples:
        return None
    task = Classification(record.labels)
    tokenizer = load_tokenizer(config.model)
    references_N = task.label_ids(examples, split="test")
    texts = [example.text for example in examples]
    cache_dir = Path(config.data.cache_dir).expanduser() / "encoded"
    split = Split(encode(texts, tokenizer, max_length=config.data.max_length, cache_dir=cache_dir), references_N)
    resources = Resources(torch.device("cpu"), Precision.fp32, free_cores())
    batch = (config.fit.eval_batch_size, tokenizer.pad_token_id)
    logits_NC = score_split(load_model(checkpoint), split, task=task, resources=resources, batch=batch).logits_NC
    predictions_N = logits_NC.argmax(-1).numpy().astype(np.int64)
    return TestResult(
        num_rows=len(examples),
        scores=score_intervals(references_N, predictions_N, seed=seed),
    )
