"""What a bundle answers: labels with their probabilities."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from slimtune.export.bundle.bundle import RunnableModel
from slimtune.export.runtime.encoder_session import Text, decided, probabilities
from slimtune.export.runtime.last_token_session import encoder_of
from slimtune.training.errors import DataError


class Answer(NamedTuple):
    """The labels of one text.

    Attributes:
        labels: The best one, or with several labels all that are likelier than not; there may be none.
        probabilities: Of these.
    """

    labels: tuple[str, ...]
    probabilities: tuple[float, ...]


class Classifier:
    """A classifier that is ready to run."""

    def __init__(self, model: RunnableModel) -> None:
        self._session = encoder_of(model)
        self._interface = model.interface

    def logits(self, texts: Sequence[Text]) -> np.ndarray:
        """Class scores (N, C).

        Raises:
            DataError: It was trained on pairs of texts and is given single ones, or the other way round.
        """
        for text in texts:
            check_pairs(wanted=self._interface.takes_pairs, given=isinstance(text, tuple), said="the second text")
        return self._session.outputs(texts)

    def answer(self, texts: Sequence[Text]) -> list[Answer]:
        """The labels of each text."""
        multi_label, labels = self._interface.multi_label, self._interface.labels
        logits_NC = self.logits(texts)
        chosen_NC = decided(logits_NC, multi_label=multi_label)
        likely_NC = probabilities(logits_NC, multi_label=multi_label)
        answers = []
        for chosen_C, likely_C in zip(chosen_NC, likely_NC, strict=True):
            numbers = np.flatnonzero(chosen_C).tolist()
            answers.append(Answer(tuple(labels[at] for at in numbers), tuple(float(likely_C[at]) for at in numbers)))
        return answers


def check_pairs(*, wanted: bool, given: bool, said: str) -> None:
    """Whether a model that wants one text or two is given so.

    Args:
        wanted: Whether it wants two.
        given: Whether there are two.
        said: What whoever asks calls the second one.

    Raises:
        DataError: It is not.
    """
    if wanted != given:
        named = ("pairs of texts", "single ones") if wanted else ("single texts", "pairs")
        raise DataError(f"the model takes {named[0]}, and is given {named[1]} ({said})")
