"""What is given to a model in Python: a text, two, or rows; another kind is told with the method that takes it."""

import reprlib
from collections.abc import Iterable, Mapping
from numbers import Integral
from pathlib import Path
from typing import Any

from slimtune.export.runtime.given_rows import USUAL_TEXT, TextColumns
from slimtune.export.runtime.row_predictor import RowPredictor
from slimtune.training.data.readers.row import LocatedRow, located_in_python
from slimtune.training.errors import DataError, ModelError


def located_by_number(predictor: RowPredictor, rows: Iterable[Mapping[str, Any]]) -> list[LocatedRow]:
    """The rows, each with what an error calls it.

    Raises:
        DataError: They are no rows.
    """
    return located_in_python(rows, form=_as_rows(predictor))


def check_texts(predictor: RowPredictor, text: object, text_pair: object) -> None:
    """Whether they are what a call of a predictor takes.

    Raises:
        DataError: One is no text.
    """
    several = f"several at once are rows: .rows([{_shown(predictor)}, ...])"
    if not isinstance(text, str):
        raise DataError(f"one text is asked for, not {reprlib.repr(text)}; {several}")
    if text_pair is not None and not isinstance(text_pair, str):
        raise DataError(f"text_pair is {reprlib.repr(text_pair)}; give one text, or leave it out; {several}")


def check_opened(model: object, columns: object, max_new_tokens: object) -> None:
    """Whether they are what a predictor is opened with.

    Raises:
        ModelError: The model is no name.
        DataError: The columns or the longest answer are not of their kind.
    """
    if not isinstance(model, str | Path):
        named = "name a bundle's folder, or models:/<name>@<alias>"
        raise ModelError(f"the model is {reprlib.repr(model)}; {named}")
    if not isinstance(columns, TextColumns):
        form = "TextColumns(text='...') of slimtune.export.runtime.given_rows"
        raise DataError(f"columns is {reprlib.repr(columns)}; use {form}")
    if max_new_tokens is not None and (not isinstance(max_new_tokens, Integral) or isinstance(max_new_tokens, bool)):
        raise DataError(f"max_new_tokens is {reprlib.repr(max_new_tokens)}; use a whole number above 0, e.g. 64")


def _as_rows(predictor: RowPredictor) -> str:
    return f"give a list with a dict for each, .rows([{_shown(predictor)}, ...]), or one text by predictor('...')"


def _shown(predictor: RowPredictor) -> str:
    """A row of the model, as it is written."""
    return "{" + ", ".join(f"{name!r}: ..." for name in _columns(predictor)) + "}"


def _columns(predictor: RowPredictor) -> list[str]:
    for pair in (None, ""):
        try:
            return list(predictor.row_of("", pair))
        except DataError:
            # a model of two texts; a prompt of several columns takes neither
            continue
    return [USUAL_TEXT]
