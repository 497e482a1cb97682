"""A bundle or a folder of adapters as an MLflow pyfunc: `mlflow models serve` and `mlflow.pyfunc.load_model` come in
here.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from slimtune.export.bundle.adapter_folder import ADAPTER, is_adapter_folder, open_adapter_folder
from slimtune.export.bundle.bundle import RunnableModel, open_bundle
from slimtune.export.graph_names import Kind
from slimtune.export.registry.signature import LABEL
from slimtune.export.runtime.answer_names import PREDICTION
from slimtune.export.runtime.given_rows import BY_REQUEST, WORDS
from slimtune.export.runtime.prompter import takes_chats, text_columns
from slimtune.export.runtime.row_notes import notes_of
from slimtune.export.runtime.row_predictor import LocatedRow, TextColumns, row_predictor_of
from slimtune.training.atomic_files import with_finite_numbers
from slimtune.training.data.cells import is_missing
from slimtune.training.data.examples import MESSAGES
from slimtune.training.errors import DataError, ModelError
from slimtune.training.listed_names import with_commas

log = logging.getLogger(__name__)


class ServedModel:
    """Rows in, answers out."""

    def __init__(self, model: RunnableModel) -> None:
        self._predictor = row_predictor_of(model, TextColumns(asked_by=BY_REQUEST))
        self._columns = [[*names] for names in text_columns(model.interface, model.trained)]
        if takes_chats(model.interface):
            self._columns[0].append(MESSAGES)
        if model.interface.kind is Kind.tags:
            self._columns[0].append(WORDS)
        self._has_labels = model.interface.kind is Kind.labels

    # without type hints: MLflow reads them, and would validate or warn
    def predict(self, model_input, params=None):  # type: ignore[no-untyped-def]  # noqa: ARG002
        """A data frame of answers, for one with the columns of the signature: as `slimtune predict` gives them.

        They have its index, so that they can be assigned to it. A classifier's are `prediction` and `probability`,
        lists with several labels, and `label`, which is the prediction once more. A row without text gets None, and so
        do numbers that are NaN or infinite, which JSON lacks. What the command tells of rows goes to the log.

        Raises:
            MlflowException: A row lacks a column, or what stands there is no text; a server answers with the message.
        """
        import pandas

        # MLflow leaves out columns that the signature lacks, and with the last one the rows
        if not len(model_input.columns):
            told = f"the request has no rows, or no column of it is one of the model's: {self._read()}"
            raise _bad_request(DataError(told))
        rows = map(self._row, model_input.to_dict(orient="records"))
        asked = [LocatedRow(row, f"row {number}") for number, row in enumerate(rows, start=1)]
        try:
            answers = self._predictor.answers(asked)
            notes = notes_of(self._predictor, asked, answers)
        except DataError as error:
            raise _bad_request(error) from None
        for note in notes:
            log.warning("%s", note)
        # None stays None also beside numbers
        answers = [with_finite_numbers(values) for values in answers]
        names = self._names(answers)
        # what a row has not, as a vector beside cosines, is None too: pandas would put NaN there
        cells = [[values.get(name) for name in names] for values in answers]
        frame = pandas.DataFrame(cells, columns=names, index=model_input.index, dtype=object)
        return frame.assign(**{LABEL: frame[PREDICTION]}) if self._has_labels and PREDICTION in names else frame

    def _row(self, given: Mapping[Any, Any]) -> dict[str, Any]:
        """A row of a data frame, which has null in a column that the row lacks, while its text stands in another."""
        # what pandas has for nothing is null
        row = {str(name): None if is_missing(value) else value for name, value in given.items()}
        lacking = {
            name
            for names in self._columns
            if any(row.get(name) is not None for name in names)
            for name in names
            if name in row and row[name] is None
        }
        return {name: value for name, value in row.items() if name not in lacking}

    def _read(self) -> str:
        """The columns of a request, for a person."""
        return with_commas(" or ".join(names) for names in self._columns)

    def _names(self, answers: Sequence[Mapping[str, Any]]) -> list[str]:
        return [name for name in self._predictor.names if any(name in one for one in answers)]


class ServedBundle(ServedModel):
    """The one model of a bundle's folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(open_bundle(folder).model)


class ServedAdapters:
    """One base whose adapter each row names in its column `adapter`, or the request in its param of that name."""

    def __init__(self, folder: Path) -> None:
        self._folder = open_adapter_folder(folder)
        self._models: dict[str | None, ServedModel] = {}

    # as above
    def predict(self, model_input, params=None):  # type: ignore[no-untyped-def]
        """A data frame of answers in the order of the rows, as `ServedModel.predict` gives them.

        Raises:
            MlflowException: A row names no adapter of the folder, or cannot be answered.
        """
        import pandas

        usual = (params or {}).get(ADAPTER)
        given = model_input[ADAPTER] if ADAPTER in model_input else [None] * len(model_input)
        chosen = pandas.Series([usual if is_missing(one) else one for one in given], index=range(len(model_input)))
        rows = model_input.drop(columns=[ADAPTER], errors="ignore").reset_index(drop=True)
        try:
            names = dict.fromkeys(chosen)
            models = [self._model(None if is_missing(name) else str(name)) for name in names]
        except ModelError as error:
            raise _bad_request(error) from None
        ask: Any = ServedModel.predict
        parts = [ask(model, rows[chosen == name]) for name, model in zip(names, models, strict=True)]
        answers = pandas.concat(parts).sort_index() if parts else pandas.DataFrame()
        # adapters that answer otherwise have other columns
        answers = answers.astype(object).where(answers.notna(), None)
        return answers.set_axis(model_input.index)

    def _model(self, name: str | None) -> ServedModel:
        chosen = self._folder.chosen(name)
        if chosen not in self._models:
            self._models[chosen] = ServedModel(self._folder.model(chosen))
        return self._models[chosen]


def _bad_request(error: Exception) -> Exception:
    from slimtune.export.registry.mlflow_registry import bad_request

    return bad_request(error)


def _load_pyfunc(path: str) -> ServedModel | ServedAdapters:
    """MLflow's entry."""
    folder = Path(path)
    return ServedAdapters(folder) if is_adapter_folder(folder) else ServedBundle(folder)
