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


# a text, or two that belong together
Text = str | tuple[str, str]


class Row(NamedTuple):
    """Token ids of one text or pair, and to which of the two each token belongs."""

    ids: Sequence[int]
    types: Sequence[int]


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
        self._names = {item.name for item in self._session.get_inputs()}
        self._settings = settings
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.enable_truncation(settings.max_length)
        self._tokenizer.no_padding()

    def logits(self, texts: Sequence[Text], *, batch_size: int = PREDICT_BATCH_SIZE) -> np.ndarray:
        """Class scores (N, C) in float32, in the order of the texts; rows of like length share a batch."""
        rows = self.encode(texts)
        order = sorted(range(len(rows)), key=lambda index: len(rows[index].ids))
        parts: list[np.ndarray] = []
        for at in range(0, len(order), batch_size):
            parts.append(self.scores(self.feed([rows[index] for index in order[at : at + batch_size]])))
        logits_NC = np.concatenate(parts)
        in_order = np.empty_like(logits_NC)
        in_order[order] = logits_NC
        return in_order

    def encode(self, texts: Sequence[Text]) -> list[Row]:
        """Each text as tokens."""
        return [Row(encoding.ids, encoding.type_ids) for encoding in self._tokenizer.encode_batch(list(texts))]

    def feed(self, rows: Sequence[Row], *, length: int | None = None) -> dict[str, np.ndarray]:
        """Inputs (B, T) of one batch, padded to the longest row or to `length`."""
        longest = max(len(row.ids) for row in rows) if length is None else length
        shape = (len(rows), longest)
        feed = {
            "input_ids": np.full(shape, self._settings.pad_id, dtype=np.int64),
            "attention_mask": np.zeros(shape, dtype=np.int64),
            "token_type_ids": np.zeros(shape, dtype=np.int64),
        }
        for at, (ids, types) in enumerate(rows):
            for name, values in (("input_ids", ids), ("attention_mask", 1), ("token_type_ids", types)):
                feed[name][at, : len(ids)] = values
        return {name: array for name, array in feed.items() if name in self._names}

    def scores(self, feed: Mapping[str, np.ndarray]) -> np.ndarray:
        """Class scores (B, C) of one batch of inputs."""
        logits_BC: np.ndarray = self._session.run(None, dict(feed))[0]
        return logits_BC.astype(np.float32)


def decided(logits_NC: np.ndarray, *, multi_label: bool) -> np.ndarray:
    """Which labels each row gets (N, C, bool): the best one, or those that are likelier than not."""
    if multi_label:
        return logits_NC > 0
    return np.asarray(np.arange(logits_NC.shape[1]) == logits_NC.argmax(1)[:, None])


def probabilities(logits_NC: np.ndarray, *, multi_label: bool) -> np.ndarray:
    """Of the classes (N, C): they share one, or with several labels each has its own."""
    if multi_label:
        return np.asarray(1 / (1 + np.exp(-logits_NC)))
    shifted = np.exp(logits_NC - logits_NC.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))
