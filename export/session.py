"""A bundle's model in onnxruntime: texts to class scores, without PyTorch or transformers."""

# B rows of a batch, T tokens, N rows, C classes

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

PREDICT_BATCH_SIZE = 8


class TextSettings(NamedTuple):
    """How texts become inputs.

    Attributes:
        max_length: Longest input in tokens.
        pad_id: Token id that fills up a batch.
    """

    max_length: int
    pad_id: int


class ClassifierSession:
    """Runs one ONNX classifier on the CPU.

    Args:
        model: The ONNX file.
        tokenizer: The tokenizer's `tokenizer.json`.
        settings: How texts become inputs.
        num_threads: Threads inside an operator; None leaves it to onnxruntime.
    """

    def __init__(self, model: Path, tokenizer: Path, settings: TextSettings, *, num_threads: int | None = None) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        if num_threads is not None:
            options.intra_op_num_threads = num_threads
        self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self._settings = settings
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.enable_truncation(settings.max_length)
        self._tokenizer.no_padding()

    def logits(self, texts: Sequence[str], *, batch_size: int = PREDICT_BATCH_SIZE) -> np.ndarray:
        """Class scores (N, C) in float32, in the order of the texts; rows of like length share a batch."""
        rows = self.encode(texts)
        order = sorted(range(len(rows)), key=lambda index: len(rows[index]))
        parts: list[np.ndarray] = []
        for at in range(0, len(order), batch_size):
            parts.append(self.run([rows[index] for index in order[at : at + batch_size]]))
        logits_NC = np.concatenate(parts)
        in_order = np.empty_like(logits_NC)
        in_order[order] = logits_NC
        return in_order

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text."""
        return [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]

    def feed(self, rows: Sequence[Sequence[int]], *, length: int | None = None) -> dict[str, np.ndarray]:
        """Inputs (B, T) of one batch of token ids, padded to the longest row or to `length`."""
        longest = max(len(row) for row in rows) if length is None else length
        ids_BT = np.full((len(rows), longest), self._settings.pad_id, dtype=np.int64)
        mask_BT = np.zeros((len(rows), longest), dtype=np.int64)
        for at, row in enumerate(rows):
            ids_BT[at, : len(row)] = row
            mask_BT[at, : len(row)] = 1
        return {"input_ids": ids_BT, "attention_mask": mask_BT}

    def run(self, rows: Sequence[Sequence[int]]) -> np.ndarray:
        """Class scores (B, C) of one batch of token ids."""
        return self.scores(self.feed(rows))

    def scores(self, feed: Mapping[str, np.ndarray]) -> np.ndarray:
        """Class scores (B, C) of one batch of inputs."""
        logits_BC: np.ndarray = self._session.run(None, dict(feed))[0]
        return logits_BC.astype(np.float32)


def softmax(logits_NC: np.ndarray) -> np.ndarray:
    """Class probabilities (N, C)."""
    shifted = np.exp(logits_NC - logits_NC.max(axis=1, keepdims=True))
    probabilities: np.ndarray = shifted / shifted.sum(axis=1, keepdims=True)
    return probabilities
