"""A bundle as an MLflow pyfunc: `mlflow models serve` and `mlflow.pyfunc.load_model` come in here."""

from pathlib import Path

from export.answers import Classifier
from export.bundle import open_bundle
from export.session import Text


class ServedClassifier:
    """Texts in, labels and probabilities out."""

    def __init__(self, folder: Path) -> None:
        self._bundle = open_bundle(folder)
        self._classifier = Classifier(self._bundle)

    # without type hints: MLflow reads them, and would validate or warn
    def predict(self, model_input, params=None):  # type: ignore[no-untyped-def]  # noqa: ARG002
        """Classify the column `text` of a data frame, or its columns `text` and `text_pair`.

        With several labels, a row's are a list.
        """
        import pandas

        texts: list[Text] = [str(text) for text in model_input["text"]]
        if self._bundle.takes_pairs:
            pairs = zip(model_input["text"], model_input["text_pair"], strict=True)
            texts = [(str(text), str(other)) for text, other in pairs]
        answers = self._classifier.answer(texts)
        if self._bundle.multi_label:
            lists = [(list(answer.labels), list(answer.probabilities)) for answer in answers]
            return pandas.DataFrame(lists, columns=["label", "probability"])
        best = [(answer.labels[0], answer.probabilities[0]) for answer in answers]
        return pandas.DataFrame(best, columns=["label", "probability"])


def _load_pyfunc(path: str) -> ServedClassifier:
    """MLflow's entry."""
    return ServedClassifier(Path(path))
