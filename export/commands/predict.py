"""`slimtune predict`: labels for texts, with onnxruntime and no PyTorch."""

import argparse
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.errors import DataError, ModelError
from training.written import write_jsonl

if TYPE_CHECKING:
    from export.answers import Answer
    from export.session import Text

CHUNK_ROWS = 512


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
    if options.text_pair is not None and len(options.text_pair) != len(options.text or ()):
        raise DataError("give as many --text-pair as --text")
    predict = _Predictor(options.model, options.tracking_uri)
    if options.text is not None:
        texts = options.text if options.text_pair is None else list(zip(options.text, options.text_pair, strict=True))
        for text, answer in zip(texts, predict(texts), strict=True):
            likely = ", ".join(f"{probability:.3f}" for probability in answer.probabilities)
            said = text if isinstance(text, str) else " | ".join(text)
            print(f"{', '.join(answer.labels)}\t{likely}\t{said}")
        return 0
    columns = [options.text_column]
    if predict.takes_pairs:
        columns.append(options.text_pair_column)
    rows = _predicted_rows(options.file, columns, predict)
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
    parser.add_argument(
        "--text-pair", action="append", help="the second text, for a model of pairs; one for each --text"
    )
    parser.add_argument("--file", help="JSONL, JSON, CSV or Parquet with one text a row")
    parser.add_argument("--out", help="JSONL file to write; the terminal if absent")
    parser.add_argument("--text-column", default="text", help="column of the text (default: text)")
    parser.add_argument("--text-pair-column", default="text_pair", help="of the second text, for a model of pairs")
    parser.add_argument("--tracking-uri", help="MLflow store of a models:/ URI (default: mlruns/mlflow.db)")
    return parser


class _Predictor:
    def __init__(self, model: str, tracking_uri: str | None) -> None:
        from export.answers import Classifier
        from export.locate import locate_bundle

        bundle = locate_bundle(model, tracking_uri)
        self.takes_pairs, self._multi_label = bundle.takes_pairs, bundle.multi_label
        self._classifier = Classifier(bundle)

    def __call__(self, texts: "Sequence[Text]") -> "list[Answer]":
        return self._classifier.answer(texts)

    def as_values(self, answer: "Answer") -> dict[str, Any]:
        """What a row gets: a label and its probability, or lists of them."""
        labels, likely = list(answer.labels), [round(one, 6) for one in answer.probabilities]
        if self._multi_label:
            return {"prediction": labels, "probability": likely}
        return {"prediction": labels[0], "probability": likely[0]}


def _predicted_rows(file: str, columns: Sequence[str], predict: _Predictor) -> Iterator[dict[str, Any]]:
    from training.reader import iter_rows

    numbered = enumerate(iter_rows(file), start=1)
    while chunk := list(itertools.islice(numbered, CHUNK_ROWS)):
        texts = [_given(row, columns, f"{file}, row {number}") for number, row in chunk]
        for (_, row), answer in zip(chunk, predict(texts), strict=True):
            yield {**row, **predict.as_values(answer)}


def _given(row: dict[str, Any], columns: Sequence[str], where: str) -> "Text":
    first, *others = [_text(row, column, where) for column in columns]
    return (first, others[0]) if others else first


def _text(row: dict[str, Any], column: str, where: str) -> str:
    keys = "--text-column, --text-pair-column"
    if row.get(column) is None:
        raise DataError(f"{where}: no text in column '{column}'; the row has {', '.join(row)} ({keys})")
    return str(row[column])


def _write(rows: Iterable[dict[str, Any]], out: Path) -> int:
    if not out.parent.is_dir():
        raise ModelError(f"--out {out}: there is no folder {out.parent}")
    return write_jsonl(out, rows)
