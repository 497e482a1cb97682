"""A bundle as an MLflow pyfunc: `mlflow models serve` and `mlflow.pyfunc.load_model` come in here."""

from pathlib import Path

from export.bundle import open_bundle
from export.gate import open_session
from export.session import softmax


class ServedClassifier:
    """Texts in, labels and probabilities out."""

    def __init__(self, folder: Path) -> None:
        self._bundle = open_bundle(folder)
        self._session = open_session(self._bundle)

    # without type hints: MLflow reads them, and would validate or warn
    def predict(self, model_input, params=None):  # type: ignore[no-untyped-def]  # noqa: ARG002
        """Classify the column `text` of a data frame."""
        import pandas

        probabilities = softmax(self._session.logits([str(text) for text in model_input["text"]]))
        best = probabilities.argmax(1)
        labels = [self._bundle.labels[index] for index in best]
        return pandas.DataFrame({"label": labels, "probability": probabilities.max(1).astype(float)})


def _load_pyfunc(path: str) -> ServedClassifier:
    """MLflow's entry."""
    return ServedClassifier(Path(path))
