"""What a bundle answers: labels with their probabilities."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from slimtune.export.bundle.bundle import Bundle
from slimtune.export.runtime.encoder_session import Text, decided, probabilities
from slimtune.export.runtime.last_token_session import encoder_of
from slimtune.training.errors import DataError


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
        self._session = encoder_of(bundle)
        self._bundle = bundle

    def logits(self, texts: Sequence[Text]) -> np.ndarray:
        """Class scores (N, C).

        Raises:
            DataError: It was trained on pairs of texts and is given single ones, or the other way round.
        """
        for text in texts:
            check_pairs(wanted=self._bundle.takes_pairs, given=isinstance(text, tuple))
        return self._session.outputs(texts)

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


def check_pairs(*, wanted: bool, given: bool) -> None:
    """Whether a model that wants one text or two is given so.

    Raises:
        DataError: It is not.
    """
    if wanted != given:
        named = ("pairs of texts", "single ones") if wanted else ("single texts", "pairs")
        raise DataError(f"the model takes {named[0]}, and is given {named[1]} (--text-pair, --text-pair-column)")
