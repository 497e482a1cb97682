"""A bundle as an MLflow pyfunc: `mlflow models serve` and `mlflow.pyfunc.load_model` come in here."""

from pathlib import Path

from slimtune.export.bundle.bundle import open_bundle
from slimtune.export.graph_names import Kind
from slimtune.export.runtime.row_predictor import LocatedRow, TextColumns, row_predictor_of


class ServedBundle:
    """Rows in, answers out."""

    def __init__(self, folder: Path) -> None:
        bundle = open_bundle(folder)
        self._predictor = row_predictor_of(bundle.model, TextColumns())
        self._names = {"prediction": "label"} if bundle.kind is Kind.labels else {}

    # without type hints: MLflow reads them, and would validate or warn
    def predict(self, model_input, params=None):  # type: ignore[no-untyped-def]  # noqa: ARG002
        """A data frame of answers, for one with the columns of the signature: as `slimtune predict` gives them.

        A classifier's are `label` and `probability`, lists with several labels.
        """
        import pandas

        rows = model_input.to_dict(orient="records")
        answers = self._predictor.answers(
            [LocatedRow(row, f"row {number}") for number, row in enumerate(rows, start=1)]
        )
        return pandas.DataFrame(answers).rename(columns=self._names)


def _load_pyfunc(path: str) -> ServedBundle:
    """MLflow's entry."""
    return ServedBundle(Path(path))
