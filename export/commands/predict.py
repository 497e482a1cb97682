"""`slimtune predict`: labels for texts, with onnxruntime and no PyTorch."""

import argparse
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from training.errors import DataError, ModelError
from training.written import write_jsonl

CHUNK_ROWS = 512


class Prediction(NamedTuple):
    """A label and its probability."""

    label: str
    probability: float


def run(arguments: Sequence[str]) -> int:
    """Predict for texts on the command line, or for a file.

    Raises:
        UserError: The model or the file cannot be used.
    """
    options = _parser().parse_args(arguments)
    if (options.text is None) == (options.file is None):
        raise DataError("give either --text or --file")
    if options.out is not None and options.file is None:
        raise DataError("--out goes with --file")
    predict = _Predictor(options.model, options.tracking_uri)
    if options.text is not None:
        for text, prediction in zip(options.text, predict(options.text), strict=True):
            print(f"{prediction.label}\t{prediction.probability:.3f}\t{text}")
        return 0
    rows = _predicted_rows(options.file, options.text_column, predict)
    if options.out is None:
        for row in rows:
            print(json.dumps(row, ensure_ascii=False, default=str))
    else:
        num_rows = _write(rows, Path(options.out))
        print(f"{num_rows} rows written to {options.out}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="slimtune predict", description=__doc__)
    parser.add_argument("--model", required=True, help="a bundle's folder, models:/<name>@<alias> or models:/<name>/3")
    parser.add_argument("--text", action="append", help="a text; may be given several times")
    parser.add_argument("--file", help="JSONL, JSON, CSV or Parquet with one text a row")
    parser.add_argument("--out", help="JSONL file to write; the terminal if absent")
    parser.add_argument("--text-column", default="text", help="column of the text (default: text)")
    parser.add_argument("--tracking-uri", help="MLflow store of a models:/ URI (default: mlruns/mlflow.db)")
    return parser


class _Predictor:
    def __init__(self, model: str, tracking_uri: str | None) -> None:
        from export.gate import open_session
        from export.locate import locate_bundle

        self._bundle = locate_bundle(model, tracking_uri)
        self._session = open_session(self._bundle)

    def __call__(self, texts: Sequence[str]) -> list[Prediction]:
        from export.session import softmax

        probabilities = softmax(self._session.logits(texts))
        return [Prediction(self._bundle.labels[row.argmax()], float(row.max())) for row in probabilities]


def _predicted_rows(file: str, column: str, predict: _Predictor) -> Iterator[dict[str, Any]]:
    from training.reader import iter_rows

    numbered = enumerate(iter_rows(file), start=1)
    while chunk := list(itertools.islice(numbered, CHUNK_ROWS)):
        texts = [_text(row, column, f"{file}, row {number}") for number, row in chunk]
        for (_, row), prediction in zip(chunk, predict(texts), strict=True):
            yield {**row, "prediction": prediction.label, "probability": round(prediction.probability, 6)}


def _text(row: dict[str, Any], column: str, where: str) -> str:
    if row.get(column) is None:
        raise DataError(f"{where}: no text in column '{column}'; the row has {', '.join(row)} (--text-column)")
    return str(row[column])


def _write(rows: Iterable[dict[str, Any]], out: Path) -> int:
    if not out.parent.is_dir():
        raise ModelError(f"--out {out}: there is no folder {out.parent}")
    return write_jsonl(out, rows)
