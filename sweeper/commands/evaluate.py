"""`slimtune evaluate`: the scores of any model on labelled rows."""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from slimtune.export.commands.command_parser import CommandParser
from slimtune.export.commands.output_file import Given, check_output
from slimtune.export.commands.terminal_text import tell
from slimtune.export.commands.told_version import with_told_version
from slimtune.export.commands.written_rows import write_rows
from slimtune.export.evaluation.find_model import check_row_files, experiment_of, find_bundle_or_checkpoint
from slimtune.export.runtime.row_notes import said_of_empty
from slimtune.training.atomic_files import json_text
from slimtune.training.config.trust import TRUST_HELP
from slimtune.training.errors import StoreError
from slimtune.training.listed_names import agreeing, counted
from slimtune.training.tracking.uri import sqlite_path, tracking_uri
from slimtune.training.usual_places import USUAL_STORE, home_path
from slimtune.training.writable_folder import check_writable

if TYPE_CHECKING:
    from slimtune.export.evaluation.evaluate_model import ModelScores
    from slimtune.training.config.tracking import TrackingConfig

# labels of a confusion matrix that a terminal has room for
MOST_SHOWN = 10
# of a model that does not say where it comes from
EXPERIMENT = "evaluations"


def run(arguments: Sequence[str]) -> int:
    """Score, print, write and log to the store, which is looked at before and written to last.

    Raises:
        UserError: The model, the rows or the store cannot be used.
    """
    options = command_parser().parse_args(arguments)
    if options.predictions:
        check_output(options.predictions, "--predictions", rows=Given("--data", options.data), model=options.model)
    options.model = with_told_version(options.model, options.tracking_uri)
    model = find_bundle_or_checkpoint(options.model, options.tracking_uri, trust=options.trust)
    check_row_files(options.data, model)
    experiment = experiment_of(model) or EXPERIMENT
    unlogged = _why_not_logged(options)
    if unlogged is None:
        _check_store(options.tracking_uri, experiment)
    from slimtune.export.evaluation.evaluate_model import EvaluationColumns, evaluate_model
    from slimtune.training.data.labelled_rows import BY_OPTION

    columns = EvaluationColumns(options.text_column, options.label_column, options.text_pair_column, BY_OPTION)
    scored = evaluate_model(
        str(model), data=options.data, columns=columns, tracking_uri=options.tracking_uri, trust=options.trust
    )
    if scored.left_out:
        tell(_said_of_left_out(scored, is_written=options.predictions is not None))
    for note in scored.notes:
        tell(note)
    if options.json:
        counts = {"num_rows": scored.num_rows, "num_seen": scored.num_seen, "left_out": list(scored.left_out)}
        told = {**counts, **scored.scores, **scored.details}
        print(json_text(told))
    else:
        _show(scored, options.data)
    if options.predictions:
        _write(scored, options.predictions)
    logged = unlogged or _log(scored, options, experiment)
    if not options.json:
        print(logged)
    return 0


def command_parser() -> argparse.ArgumentParser:
    """What can be given on the command line."""
    parser = CommandParser(prog="slimtune evaluate", description=__doc__)
    parser.add_argument(
        "--model",
        required=True,
        help="a checkpoint or trial folder, a run id, a bundle, what holds one, or models:/...",
    )
    parser.add_argument("--data", required=True, help="labelled rows: a file, a folder, or any other name of rows")
    parser.add_argument("--text-column", help="column of the text (default: as in training; text)")
    parser.add_argument("--text-pair-column", help="column of the second text, for a model of pairs")
    parser.add_argument("--label-column", help="column of the label or answer (default: as in training; label)")
    parser.add_argument(
        "--predictions",
        type=home_path,
        help="write each row with the model's answer to this file: a table if it ends in .csv or .tsv, otherwise JSONL",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--tracking-uri", help=f"MLflow store ({USUAL_STORE}, if it is there)")
    parser.add_argument("--no-log", action="store_true", help="log nothing")
    parser.add_argument("--trust", action="store_true", help=TRUST_HELP)
    return parser


def _said_of_left_out(scored: "ModelScores", *, is_written: bool) -> str:
    """Which rows are not scored and why, and what else gives those of them an answer that have a text."""
    then = "is not scored and has no prediction (null)" if is_written else "is not scored"
    told = said_of_empty(scored.left_out, then=then, blank=scored.blank)
    lacks_answer = any("target_column" in column for column in scored.blank)
    return f"{told}; slimtune predict answers every row that has a text" if is_written and lacks_answer else told


def _write(scored: "ModelScores", path: Path) -> None:
    if not scored.predictions:
        raise StoreError(
            "--predictions: nothing was answered: next tokens are no answers, and text is generated only where "
            "task.metrics asks for it, e.g. exact_match"
        )
    columns = dict.fromkeys(name for row in scored.predictions for name in row)
    write_rows(path, scored.predictions, [*columns])


def _show(scored: "ModelScores", data: str) -> None:
    from rich.console import Console
    from rich.markup import escape

    from slimtune.sweeper.reporting.terminal import plain_table
    from slimtune.training.fitted_table import print_table

    console = Console()
    labels, confusion = scored.details.get("per_label", []), scored.details.get("confusion")

    def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        console.print(f"[bold]{escape(title)}[/]", highlight=False, soft_wrap=True)
        print_table(console, plain_table(columns, rows))

    scores = [(name, f"{value:z.4f}") for name, value in scored.scores.items() if not math.isnan(value)]
    show(f"{counted(scored.num_rows, 'row')} of {data}", ("score", "value"), scores)
    if labels:
        keys = [key for key in labels[0] if key not in ("label", "support")]
        rows = [(one["label"], *(f"{one[key]:.3f}" for key in keys), one["support"]) for one in labels]
        show("by label", ("label", *keys, "rows"), rows)
    if confusion and len(confusion) <= MOST_SHOWN:
        names = scored.details["labels"]
        counts = [(name, *row) for name, row in zip(names, confusion, strict=True)]
        show("right labels in rows, given ones in columns", ("", *names), counts)


def _why_not_logged(options: argparse.Namespace) -> str | None:
    """What to tell the user where nothing is logged; None where a run is."""
    if options.no_log:
        return "not logged (--no-log)"
    path = sqlite_path(tracking_uri(options.tracking_uri))
    return None if path is None or path.is_file() else f"not logged: there is no {path} (--tracking-uri)"


def _check_store(uri: str | None, experiment: str) -> None:
    """Whether a run can be logged, before the model is loaded for it.

    Raises:
        StoreError: The store does not answer or cannot be written to, or the experiment was deleted there.
    """
    from slimtune.training.tracking.mlflow_runs import check_tracker

    try:
        if (path := sqlite_path(tracking_uri(uri))) is not None:
            check_writable(path.parent, "the folder of --tracking-uri")
        check_tracker(_tracking(uri), experiment, instead="name another store (--tracking-uri)")
    except StoreError as error:
        raise StoreError(f"{error}; or log nothing: add --no-log") from error


def _tracking(uri: str | None) -> "TrackingConfig":
    from slimtune.training.config.tracking import mlflow_at

    return mlflow_at(tracking_uri(uri))


def _log(scored: "ModelScores", options: argparse.Namespace, experiment: str) -> str:
    """Log a run of kind `evaluation`; what to tell the user.

    Raises:
        StoreError: The tracker is away; the scores are printed by then.
    """
    from slimtune.training.tracking.line import first_line, is_outage

    try:
        return _logged(scored, options, experiment)
    except Exception as error:
        if isinstance(error, StoreError) or not is_outage(error):
            raise
        raise StoreError(
            f"the tracker went away, so the run is not whole ({first_line(error)}); run it again"
        ) from error


def _logged(scored: "ModelScores", options: argparse.Namespace, experiment: str) -> str:
    from slimtune.training.tracking.mlflow_runs import Tracker
    from slimtune.training.trial import Lineage

    tracker = Tracker(_tracking(options.tracking_uri), experiment)
    tags = {"model": options.model, "data": str(options.data), "source": str(scored.source)}
    if scored.num_seen:
        are = agreeing(scored.num_seen, "is a training row", "are training rows")
        tags["warning"] = f"{scored.num_seen} of the {counted(scored.num_rows, 'row')} {are} of the model"
    name = f"evaluation {Path(options.data).name}"
    lineage = Lineage(
        experiment=experiment,
        kind="evaluation",
        name=name,
        parent_run_id=None,
        run_id=None,
        sampled={},
        folder=scored.source,
        tags=tags,
    )
    run = tracker.start(lineage)
    run.log_metrics({f"evaluation/{key}": value for key, value in scored.scores.items()})
    run.end(state="complete")
    return f"logged: run {run.run_id} of experiment {experiment}"
