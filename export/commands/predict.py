"""`slimtune predict`: a bundle's answers for texts, with onnxruntime and no PyTorch."""

import argparse
import itertools
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slimtune.training.atomic_files import write_jsonl
from slimtune.training.data.readers.reader import check_sources
from slimtune.training.errors import DataError, ModelError

if TYPE_CHECKING:
    from slimtune.export.runtime.row_predictor import RowPredictor

ANSWERED_ROWS = 512
# text is generated slowly: rows come out sooner
GENERATED_ROWS = 32


def run(arguments: Sequence[str]) -> int:
    """Predict for texts on the command line, or for a file.

    Raises:
        UserError: The model or the file cannot be used.
    """
    options = _parser().parse_args(arguments)
    _check(options)
    from slimtune.export.registry.find_bundle import locate_model

    model = locate_model(options.model, adapter=options.adapter, tracking_uri=options.tracking_uri)
    # onnxruntime comes with it
    from slimtune.export.runtime.row_predictor import LocatedRow, TextColumns, row_predictor_of

    columns = TextColumns(options.text_column, options.text_pair_column)
    predictor = row_predictor_of(model, columns, max_new_tokens=options.max_new_tokens)
    if options.text is not None:
        pairs = options.text_pair or [None] * len(options.text)
        rows = [predictor.row_of(text, pair) for text, pair in zip(options.text, pairs, strict=True)]
        answers = predictor.answers([LocatedRow(row, "--text") for row in rows])
        for text, pair, values in zip(options.text, pairs, answers, strict=True):
            print("\t".join([*map(_said, values.values()), text if pair is None else f"{text} | {pair}"]))
        return 0
    predicted = _predicted_rows(
        options.file, predictor, GENERATED_ROWS if model.interface.kind.writes else ANSWERED_ROWS
    )
    if options.out is None:
        for row in predicted:
            print(json.dumps(row, ensure_ascii=False, default=str))
    else:
        num_rows = write_jsonl(Path(options.out), _counted(predicted))
        print(f"{num_rows} rows written to {options.out}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="slimtune predict", description=__doc__)
    parser.add_argument("--model", required=True, help="a bundle's folder, models:/<name>@<alias> or models:/<name>/3")
    parser.add_argument("--adapter", help="which one of a folder that slimtune adapters wrote; base for none of them")
    parser.add_argument("--text", action="append", help="a text; may be given several times")
    parser.add_argument(
        "--text-pair", action="append", help="the second text, for a model of pairs; one for each --text"
    )
    parser.add_argument("--file", help="JSONL, JSON, CSV or Parquet with one text a row")
    parser.add_argument("--out", help="JSONL file to write; the terminal if absent")
    parser.add_argument(
        "--text-column", help="column of the text (default: text; of a prompt, that of the training data)"
    )
    parser.add_argument("--text-pair-column", default="text_pair", help="of the second text, for a model of pairs")
    parser.add_argument("--max-new-tokens", type=int, help="longest answer of a generative model")
    parser.add_argument("--tracking-uri", help="MLflow store of a models:/ URI (default: mlruns/mlflow.db)")
    return parser


def _check(options: argparse.Namespace) -> None:
    if (options.text is None) == (options.file is None):
        raise DataError("give either --text or --file")
    if options.out is not None and options.file is None:
        raise DataError("--out goes with --file")
    if options.text_pair is not None and len(options.text_pair) != len(options.text or ()):
        raise DataError("give as many --text-pair as --text")
    if options.file is not None:
        check_sources(options.file)
    if options.out is not None and not Path(options.out).parent.is_dir():
        raise ModelError(f"--out {options.out}: there is no folder {Path(options.out).parent}")


def _said(value: Any) -> str:
    """One cell of a line on the terminal."""
    match value:
        case float():
            return f"{value:.3f}"
        case list() if all(isinstance(one, str | float) for one in value):
            return ", ".join(map(_said, value))
        case list():
            return ", ".join(f"{span['text']} ({span['label']})" for span in value)
        case _:
            return str(value)


def _predicted_rows(file: str, predictor: "RowPredictor", chunk_rows: int) -> Iterator[dict[str, Any]]:
    from slimtune.export.runtime.row_predictor import LocatedRow
    from slimtune.training.data.readers.reader import iter_rows

    numbered = enumerate(iter_rows(file), start=1)
    while chunk := list(itertools.islice(numbered, chunk_rows)):
        asked = [LocatedRow(row, f"{file}, row {number}") for number, row in chunk]
        for one, values in zip(asked, predictor.answers(asked), strict=True):
            yield {**one.row, **values}


def _counted(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The rows, counted on the terminal if there is one."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.completed:.0f} rows"), TimeElapsedColumn())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True, disable=not sys.stderr.isatty()) as shown:
        task = shown.add_task("rows", total=None)
        for row in rows:
            yield row
            shown.advance(task)
