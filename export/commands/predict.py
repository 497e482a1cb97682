"""`slimtune predict`: a bundle's answers for texts, with onnxruntime and no PyTorch."""

import argparse
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slimtune.export.commands.command_parser import CommandParser
from slimtune.export.commands.output_file import Given, check_output
from slimtune.export.commands.terminal_text import one_line, print_safely, shown_row, tell
from slimtune.export.commands.written_rows import write_rows
from slimtune.export.runtime.row_notes import RowNotes, Unanswered, notes_of
from slimtune.training.config.trust import TRUST_HELP
from slimtune.training.data.absent.absent_columns import AbsentColumns
from slimtune.training.data.readers.reader import check_sources
from slimtune.training.data.readers.row_faults import RowFaults
from slimtune.training.errors import DataError
from slimtune.training.lasting_output import check_read
from slimtune.training.listed_names import counted, with_commas
from slimtune.training.stages import told_stage
from slimtune.training.usual_places import USUAL_STORE, at_home

if TYPE_CHECKING:
    from slimtune.export.runtime.given_rows import GivenFile
    from slimtune.export.runtime.row_predictor import RowPredictor
    from slimtune.training.data.readers.row import LocatedRow

ANSWERED_ROWS = 512
# text is generated slowly: rows come out sooner
GENERATED_ROWS = 32


def run(arguments: Sequence[str]) -> int:
    """Predict for texts on the command line, or for a file.

    Raises:
        UserError: The model or the file cannot be used.
    """
    options = command_parser().parse_args(arguments)
    _check(options)
    from slimtune.export.commands.told_version import with_told_version
    from slimtune.export.registry.find_bundle import locate_model

    name = with_told_version(options.model, options.tracking_uri)
    model = locate_model(name, adapter=options.adapter, tracking_uri=options.tracking_uri, trust=options.trust)
    # onnxruntime comes with it
    from slimtune.export.runtime.row_predictor import TextColumns, row_predictor_of

    columns = TextColumns(options.text_column, options.text_pair_column)
    predictor = row_predictor_of(model, columns, max_new_tokens=options.max_new_tokens)
    if options.text is not None:
        _print_texts(options.text, options.text_pair or [None] * len(options.text), predictor)
        return 0
    chunk_rows = GENERATED_ROWS if model.interface.kind.writes else ANSWERED_ROWS
    _write_file(options.file, options.out, predictor, chunk_rows)
    return 0


def command_parser() -> argparse.ArgumentParser:
    """What can be given on the command line."""
    parser = CommandParser(prog="slimtune predict", description=__doc__)
    parser.add_argument(
        "--model",
        required=True,
        help="a bundle's folder, or that of the export or sweep that holds it; models:/<name>@<alias>",
    )
    parser.add_argument("--adapter", help="which one of a folder that slimtune adapters wrote; base for none of them")
    parser.add_argument("--text", action="append", help="a text; may be given several times")
    parser.add_argument(
        "--text-pair", action="append", help="the second text, for a model of pairs; one for each --text"
    )
    parser.add_argument("--file", type=at_home, help="JSONL, JSON, CSV or Parquet with one text a row")
    parser.add_argument(
        "--out",
        type=at_home,
        help="file to write: .csv and .tsv as tables, others as JSONL; the terminal if absent",
    )
    parser.add_argument("--text-column", help="column of the text (default: that of the training data, or text)")
    told = "of the second text, for a model of pairs (default: that of the training data, or text_pair)"
    parser.add_argument("--text-pair-column", help=told)
    parser.add_argument("--max-new-tokens", type=int, help="longest answer of a generative model")
    parser.add_argument("--tracking-uri", help=f"MLflow store of a models:/ URI ({USUAL_STORE})")
    parser.add_argument("--trust", action="store_true", help=TRUST_HELP)
    return parser


def _check(options: argparse.Namespace) -> None:
    if (options.text is None) == (options.file is None):
        raise DataError("give either --text or --file")
    if options.out is not None and options.file is None:
        raise DataError("--out goes with --file")
    if options.text_pair is not None and len(options.text_pair) != len(options.text or ()):
        raise DataError("give as many --text-pair as --text")
    if options.file == "-" and not Path("-").exists():
        raise DataError("--file -: there is no file of that name; what is piped in is --file /dev/stdin")
    if options.file is not None:
        check_sources(options.file)
    if options.out is not None:
        check_output(Path(options.out), "--out", rows=Given("--file", options.file), model=options.model)


def _print_texts(texts: Sequence[str], pairs: Sequence[str | None], predictor: "RowPredictor") -> None:
    """A line for each text: the answer's values, a tab between, and the text."""
    from slimtune.export.runtime.given_rows import LocatedRow

    rows = [predictor.row_of(text, pair) for text, pair in zip(texts, pairs, strict=True)]
    asked = [LocatedRow(row, f"--text, row {number}") for number, row in enumerate(rows, start=1)]
    answers = predictor.answers(asked)
    for text, pair, values in zip(texts, pairs, answers, strict=True):
        shown = one_line(text if pair is None else f"{text} | {pair}")
        print_safely("\t".join([*(one_line(_said(value), keep="\n") for value in values.values()), shown]))
    for note in notes_of(predictor, asked, answers):
        tell(note)


def _said(value: Any) -> str:
    """One cell of a line on the terminal."""
    match value:
        case None:
            return "-"
        case float():
            return f"{value:z.3f}"
        case list() if all(isinstance(one, str | float) for one in value):
            return with_commas(map(_said, value))
        case list():
            return ", ".join(f"{span['text']} ({span['label']})" for span in value)
        case _:
            return str(value)


def _write_file(file: str, out: str | None, predictor: "RowPredictor", chunk_rows: int) -> None:
    """The rows with their answers, to a file or the terminal, after all of them were looked at."""
    from slimtune.export.runtime.given_rows import GivenFile

    rows = GivenFile(file)
    absent = AbsentColumns(lambda: rows)
    columns = _columns(rows, predictor, absent)
    names = _names(rows.name, predictor, columns)
    unanswered = Unanswered()
    predicted = _predicted_rows(map(absent.seen_in, rows), predictor, chunk_rows, names, unanswered)
    if out is None:
        for row in predicted:
            print_safely(shown_row(row))
            check_read()
    else:
        num_rows = write_rows(Path(out), _counted(predicted), [*columns, *names.values()])
        print(f"{counted(num_rows, 'row')} written to {out}")
    for note in unanswered.notes():
        tell(note)


def _columns(rows: "GivenFile", predictor: "RowPredictor", absent: AbsentColumns) -> Sequence[str]:
    """All columns that rows have; rows that cannot be read are told before the first one is answered.

    Raises:
        DataError: Rows lack a column, or what stands there is no text: one sentence a kind.
    """
    from slimtune.export.runtime.given_rows import LocatedRow

    def reads(row: dict[str, Any], where: str) -> bool:
        return predictor.reads(LocatedRow(row, where))

    def read(row: dict[str, Any], where: str) -> LocatedRow:
        return LocatedRow(absent.parsed(row, where, reads).row, where)

    columns: dict[str, None] = {}
    notes, faults = RowNotes(predictor), RowFaults()
    for one in faults.readable(rows.name, rows):
        for taken in faults.parsed(rows.name, one.row, one.where, read):
            notes.see(taken)
        columns.update(dict.fromkeys(map(str, one.row)))
    faults.check()
    notes.check()
    for note in [*absent.notes(), *(f"{rows.name}: {note}" for note in notes.notes())]:
        tell(note)
    return [*columns]


def _names(place: str, predictor: "RowPredictor", columns: Sequence[str]) -> Mapping[str, str]:
    """What our columns are called beside those of the rows, which is told where it is another name."""
    from slimtune.export.runtime.given_rows import free_names

    names = free_names(predictor.names, columns)
    for name, free in names.items():
        if name != free:
            tell(f"{place} has a column '{name}', which is kept; the model's is written as '{free}'")
    return names


def _predicted_rows(
    rows: Iterable["LocatedRow"],
    predictor: "RowPredictor",
    chunk_rows: int,
    names: Mapping[str, str],
    unanswered: "Unanswered",
) -> Iterator[dict[str, Any]]:
    asked = iter(rows)
    while chunk := list(itertools.islice(asked, chunk_rows)):
        for one, values in zip(chunk, predictor.answers(chunk), strict=True):
            unanswered.note(one.where, values)
            yield {**one.row, **{names[name]: value for name, value in values.items()}}


def _counted(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The rows, as a stage that counts them."""
    with told_stage("answers") as stage:
        for row in rows:
            yield row
            stage.advance()
