"""A model that answers texts, from whatever names it: a bundle, an adapter over its base, a registered version."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from slimtune.export.registry.find_bundle import locate_model
from slimtune.export.runtime.argument_kinds import check_opened, check_texts, located_by_number
from slimtune.export.runtime.given_rows import IN_PYTHON
from slimtune.export.runtime.row_notes import notes_of
from slimtune.export.runtime.row_predictor import RowPredictor, TextColumns, row_predictor_of
from slimtune.training.errors import ModelError

log = logging.getLogger(__name__)
USUAL_COLUMNS = TextColumns()


class Predictor:
    """A model that is ready to run, with onnxruntime and without PyTorch and transformers.

    Example:
        >>> import slimtune
        >>> predictor = slimtune.Predictor.open("models:/mine/1")  # or the folder of a bundle
        >>> answer = predictor("lovely soup")
        >>> answer["prediction"] in {"minus", "plus", "zero"}, 0 <= answer["probability"] <= 1
        (True, True)
    """

    def __init__(self, rows: RowPredictor) -> None:
        if isinstance(rows, str | Path):
            raise ModelError(f"a model is opened by its name: Predictor.open({str(rows)!r})")
        self._rows = rows

    @classmethod
    def open(  # noqa: PLR0913
        cls,
        model: str | Path,
        *,
        adapter: str | None = None,
        columns: TextColumns = USUAL_COLUMNS,
        max_new_tokens: int | None = None,
        tracking_uri: str | None = None,
        trust: bool = False,
    ) -> Self:
        """Load a model after every file's hash was compared.

        Args:
            model: A bundle's folder, a folder that `slimtune adapters` wrote, or `models:/<name>@<alias>`.
            adapter: Which one of a folder of adapters; `base` is none of them.
            columns: Where rows have their texts.
            max_new_tokens: Longest answer of a generative model; None is what it was made for.
            tracking_uri: The MLflow store of a `models:/` URI; None is what MLFLOW_TRACKING_URI says, or
                `mlruns/mlflow.db`.
            trust: Whether libraries that the bundle's files name may be loaded.

        Raises:
            ModelError: There is no such model, or a file of it is missing or was changed.
            DataError: `max_new_tokens` is given for a model that is not generative, or is not above 0; or it or
                `columns` is of another kind.
        """
        check_opened(model, columns, max_new_tokens)
        found = locate_model(str(model), adapter=adapter, tracking_uri=tracking_uri, trust=trust)
        return cls(row_predictor_of(found, columns._replace(asked_by=IN_PYTHON), max_new_tokens=max_new_tokens))

    def __call__(self, text: str, text_pair: str | None = None) -> dict[str, Any]:
        """The answer to a text, or to two that belong together.

        Returns:
            `prediction`: a label, a list of labels or of spans, the cosine of two texts, or the text that follows a
            prompt. Beside it the `probability` of labels; of one text of a model of similarity, `embedding` instead.

        Raises:
            DataError: The model needs another number of texts, or is given what is no text.
        """
        check_texts(self._rows, text, text_pair)
        return self.rows([self._rows.row_of(text, text_pair)])[0]

    def rows(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The answer to each row, in order; rows of like length share a batch. What is odd of rows goes to the log.

        Raises:
            DataError: A row lacks a text, or these are no rows.
        """
        asked = located_by_number(self._rows, rows)
        answers = self._rows.answers(asked)
        for note in notes_of(self._rows, asked, answers):
            log.warning("%s", note)
        return answers
