"""Spans of texts from a bundle: windows of a long text, words, tags."""

# T tokens, C tags

from collections.abc import Sequence

import numpy as np
from tokenizers import Encoding

from slimtune.export.bundle.bundle import RunnableModel
from slimtune.export.runtime.encoder_session import EncodedText
from slimtune.export.runtime.last_token_session import encoder_of
from slimtune.training.data.spans import Span, spans_of_words
from slimtune.training.data.tokenizing.words import first_tokens, word_ranges


class Tagger:
    """A model of extraction that is ready to run."""

    def __init__(self, model: RunnableModel) -> None:
        self._session = encoder_of(model)
        self._tags = model.interface.tags

    def spans(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        """The spans of each text, in order."""
        windows = [(number, window) for number, text in enumerate(texts) for window in self._session.windows(text)]
        scores = self._session.run_rows([EncodedText(window.ids, window.type_ids) for _, window in windows])
        words: list[list[tuple[int, int, str]]] = [[] for _ in texts]
        ranges = [word_ranges(text) for text in texts]
        done = [-1] * len(texts)
        for (number, window), scores_TC in zip(windows, scores, strict=True):
            first = first_tokens(_offsets(window), ranges[number], done[number])
            done[number] = max([done[number], *first])
            tagged = scores_TC.argmax(-1)
            words[number] += [(*ranges[number][word], self._tags[tagged[token]]) for word, token in first.items()]
        return [spans_of_words(one) for one in words]


def _offsets(window: Encoding) -> list[tuple[int, int] | None]:
    """Characters of each token; None for special ones."""
    special = np.asarray(window.special_tokens_mask, dtype=bool)
    return [None if is_special else span for is_special, span in zip(special, window.offsets, strict=True)]
