"""What a bundle answers: labels with their probabilities."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from export.bundle import MODEL, TOKENIZER, Bundle
from export.session import ClassifierSession, Text, TextSettings, decided, probabilities
from training.errors import DataError


class Answer(NamedTuple):
    """Attributes:
    labels: The best one, or with several labels all that are likelier than not; there may be none.
    probabilities: Of these.
    """

    labels: tuple[str, ...]
    probabilities: tuple[float, ...]


class Classifier:
    """A bundle that is ready to run."""

    def __init__(self, bundle: Bundle) -> None:
        settings = TextSettings(bundle.manifest["max_length"], bundle.manifest["pad_id"])
        self._session = ClassifierSession(bundle.folder / MODEL, bundle.folder / TOKENIZER, settings)
        self._bundle = bundle

    def logits(self, texts: Sequence[Text]) -> np.ndarray:
        """Class scores (N, C).

        Raises:
            DataError: It was trained on pairs of texts and is given single ones, or the other way round.
        """
        wants_pairs = self._bundle.takes_pairs
        if any(isinstance(text, tuple) != wants_pairs for text in texts):
            wanted, given = ("pairs of texts", "single ones") if wants_pairs else ("single texts", "pairs")
            raise DataError(f"the model takes {wanted}, and is given {given} (--text-pair, --text-pair-column)")
        return self._session.logits(texts)

    def answer(self, texts: Sequence[Text]) -> list[Answer]:
        """The labels of each text."""
        multi_label, labels = self._bundle.multi_label, self._bundle.labels
        logits_NC = self.logits(texts)
        chosen_NC = decided(logits_NC, multi_label=multi_label)
        likely_NC = probabilities(logits_NC, multi_label=multi_label)
        answers = []
        for chosen_C, likely_C in zip(chosen_NC, likely_NC, strict=True):
            numbers = np.flatnonzero(chosen_C)
            answers.append(Answer(tuple(labels[at] for at in numbers), tuple(float(likely_C[at]) for at in numbers)))
        return answers
