"""An encoder's graph in onnxruntime: texts to scores or vectors, without PyTorch or transformers."""

# B rows of a batch, T tokens, N rows, C classes

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from tokenizers import Encoding, Tokenizer

from slimtune.export.graph_names import MODEL
from slimtune.export.runtime.adapter_session import AdapterSession
from slimtune.export.runtime.execution import ON_CPU, Execution, open_graph
from slimtune.export.runtime.static_shape import StaticShape
from slimtune.export.runtime.tokenizer_file import open_tokenizer
from slimtune.training.data.tokenizing.long_pairs import is_long, near_ends

PREDICT_BATCH_SIZE = 8


class TextSettings(NamedTuple):
    """How texts become inputs.

    Attributes:
        max_length: Longest input in tokens.
        pad_id: Token id that fills up a batch.
        stride: Tokens that two windows of a longer text share; None cuts it.
        side: Where a text is cut, `right` or `left`.
    """

    max_length: int
    pad_id: int
    stride: int | None = None
    side: str = "right"


# a text, or two that belong together
Text = str | tuple[str, str]


class EncodedText(NamedTuple):
    """Token ids of one text or pair, and to which of the two each token belongs."""

    ids: Sequence[int]
    types: Sequence[int]


class EncoderSession:
    """Runs one encoder.

    Args:
        folder: Holds `model.onnx`.
        tokenizer: The tokenizer's `tokenizer.json`.
        settings: How texts become inputs.
        execution: Where it runs.
    """

    def __init__(self, folder: Path, tokenizer: Path, settings: TextSettings, *, execution: Execution = ON_CPU) -> None:
        self._session = open_graph(folder / MODEL, execution)
        inputs = self._session.get_inputs()
        self._inputs = {item.name: item for item in inputs}
        self.shape = StaticShape.of(inputs[0].shape)
        self._settings = settings
        self._tokenizer = open_tokenizer(tokenizer)
        self._tokenizer.enable_truncation(settings.max_length, stride=settings.stride or 0, direction=settings.side)
        self._tokenizer.no_padding()

    def with_adapter(self, adapter: Path, *, max_length: int | None = None) -> Self:
        """A session on the same weights with an `.onnx_adapter` file switched on, which may cut texts elsewhere."""
        other = copy.copy(self)
        other._session = AdapterSession(self._session, adapter)
        if max_length is not None:
            other._tokenizer = Tokenizer.from_str(self._tokenizer.to_str())
            other._tokenizer.enable_truncation(max_length, direction=self._settings.side)
        return other

    def outputs(self, texts: Sequence[Text], *, batch_size: int = PREDICT_BATCH_SIZE) -> np.ndarray:
        """Class scores (N, C) or vectors (N, D) in float32, in the order of the texts."""
        rows = self.run_rows(self.encode(texts), batch_size=batch_size)
        return np.stack(rows)

    def run_rows(self, rows: Sequence[EncodedText], *, batch_size: int = PREDICT_BATCH_SIZE) -> list[np.ndarray]:
        """What the graph gives for each row; of tokens, without padding (T, C). Rows of like length share a batch."""
        order = sorted(range(len(rows)), key=lambda index: len(rows[index].ids))
        found: list[np.ndarray] = [np.empty(0)] * len(rows)
        for at in range(0, len(order), batch_size):
            part = order[at : at + batch_size]
            for index, output in zip(part, self.run(self.feed([rows[index] for index in part])), strict=True):
                found[index] = output[: len(rows[index].ids)] if output.ndim > 1 else output
        return found

    def encode(self, texts: Sequence[Text]) -> list[EncodedText]:
        """Each text as tokens."""
        given = [self._near_ends(text) if isinstance(text, tuple) else text for text in texts]
        return [EncodedText(encoding.ids, encoding.type_ids) for encoding in self._tokenizer.encode_batch(given)]

    def _near_ends(self, pair: tuple[str, str]) -> tuple[str, str]:
        cut = self._tokenizer.truncation
        assert cut is not None
        if not any(is_long(text, max_length=cut["max_length"]) for text in pair):
            return pair
        uncut = Tokenizer.from_str(self._tokenizer.to_str())
        uncut.no_truncation()
        return near_ends(pair, uncut, max_length=cut["max_length"], left=cut["direction"] == "left")

    def windows(self, text: str) -> list[Encoding]:
        """A text as one window or several, with the places of their tokens."""
        encoding = self._tokenizer.encode(text)
        return [encoding, *encoding.overflowing]

    def feed(self, rows: Sequence[EncodedText], *, length: int | None = None) -> dict[str, np.ndarray]:
        """Inputs (B, T) of one batch, padded to the longest row, to `length`, or to what the graph takes."""
        # a text of which the tokenizer leaves nothing is one token of padding: no row is without attention
        longest = self.shape.length or length or max(1, *(len(row.ids) for row in rows))
        shape = (len(rows), longest)
        feed = {
            "input_ids": np.full(shape, self._settings.pad_id, dtype=np.int64),
            "attention_mask": np.zeros(shape, dtype=np.int64),
            "token_type_ids": np.zeros(shape, dtype=np.int64),
        }
        for at, (ids, types) in enumerate(rows):
            for name, values in (("input_ids", ids), ("attention_mask", 1), ("token_type_ids", types)):
                feed[name][at, : len(ids)] = values
            feed["attention_mask"][at, 0] = 1
        return self._given(feed)

    def feeds(
        self, rows: Sequence[EncodedText], *, size: int, length: int | None = None
    ) -> list[dict[str, np.ndarray]]:
        """Inputs of all rows, `size` in a batch, or as many as the graph takes: then the last row fills up the rest."""
        size = self.shape.batch or size
        batches = [list(rows[at : at + size]) for at in range(0, len(rows), size)]
        if self.shape.batch and batches:
            batches[-1] += batches[-1][-1:] * (size - len(batches[-1]))
        return [self.feed(batch, length=length) for batch in batches]

    def run(self, feed: Mapping[str, np.ndarray]) -> np.ndarray:
        """Scores (B, C), (B, T, C) or vectors (B, D) of one batch; inputs that the graph lacks are left out."""
        if self.shape == StaticShape(None, None):
            return self._run(self._given(feed))
        return self.shape.run(self._given(feed), self._settings.pad_id, self._run)

    def _run(self, feed: Mapping[str, np.ndarray]) -> np.ndarray:
        output: np.ndarray = self._session.run(None, feed)[0]
        return output.astype(np.float32)

    def _given(self, feed: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: array for name, array in feed.items() if name in self._inputs}


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
