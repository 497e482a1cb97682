"""A bundle as an MLflow pyfunc: `mlflow models serve` and `mlflow.pyfunc.load_model` come in here."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from slimtune.export.bundle.bundle import open_bundle
from slimtune.export.graph_names import Kind
from slimtune.export.runtime.row_notes import notes_of
from slimtune.export.runtime.row_predictor import LocatedRow, TextColumns, row_predictor_of
from slimtune.training.atomic_files import with_finite_numbers
from slimtune.training.data.cells import is_missing
from slimtune.training.errors import DataError

log = logging.getLogger(__name__)


class ServedBundle:
    """Rows in, answers out."""

    def __init__(self, folder: Path) -> None:
        bundle = open_bundle(folder)
        self._predictor = row_predictor_of(bundle.model, TextColumns())
        self._names = {"prediction": "label"} if bundle.kind is Kind.labels else {}

    # without type hints: MLflow reads them, and would validate or warn
    def predict(self, model_input, params=None):  # type: ignore[no-untyped-def]  # noqa: ARG002
        """A data frame of answers, for one with the columns of the signature: as `slimtune predict` gives them.

        They have its index, so that they can be assigned to it. A classifier's are `label` and `probability`, lists
        with several labels. A row without text gets None, and so do numbers that are NaN or infinite, which JSON lacks.
        What the command tells of rows goes to the log.

        Raises:
            MlflowException: A row lacks a column, or what stands there is no text; a server answers with the message.
        """
        import pandas

        # what pandas has for nothing is null
        rows = (
            {str(name): None if is_missing(value) else value for name, value in row.items()}
            for row in model_input.to_dict(orient="records")
        )
        asked = [LocatedRow(row, f"row {number}") for number, row in enumerate(rows, start=1)]
        try:
            answers = self._predictor.answers(asked)
            notes = notes_of(self._predictor, asked, answers)
        except DataError as error:
            from slimtune.export.registry.mlflow_registry import bad_request

            raise bad_request(error) from None
        for note in notes:
            log.warning("%s", note)
        # None stays None also beside numbers
        answers = [with_finite_numbers(values) for values in answers]
        frame = pandas.DataFrame(answers, columns=self._columns(answers), index=model_input.index, dtype=object)
        return frame.rename(columns=self._names)

    def _columns(self, answers: Sequence[Mapping[str, Any]]) -> list[str]:
        return [name for name in self._predictor.names if any(name in one for one in answers)]


def _load_pyfunc(path: str) -> ServedBundle:
    """MLflow's entry."""
    return ServedBundle(Path(path))
