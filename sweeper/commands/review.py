"""`slimtune review`: a blind sheet of the best trials' answers, and what reviewers say on it, on the trials' runs."""

import argparse
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from slimtune.export.commands.command_parser import CommandParser
from slimtune.sweeper.commands.arguments.sweep_argument import add_sweep, sweep_of, told_words
from slimtune.training.atomic_files import json_text, write_text
from slimtune.training.config.trust import TRUST_HELP
from slimtune.training.errors import StoreError
from slimtune.training.listed_names import counted
from slimtune.training.usual_places import USUAL_STORE, home_path

if TYPE_CHECKING:
    from slimtune.sweeper.campaigns.named_sweep import NamedSweep
    from slimtune.sweeper.review.verdicts import Review

FOLDER, PAGE, TABLE, KEY, RESULT_FILE = "review", "sheet.html", "sheet.csv", "key.json", "review.json"


def run(arguments: Sequence[str]) -> int:
    """Make a sheet, or read what came back.

    Raises:
        StoreError: There is no such sweep, too few trials, or a file that is not of this sheet.
    """
    options = command_parser().parse_args(arguments)
    return _make(options) if options.action == "make" else _read(options)


def _make(options: argparse.Namespace) -> int:
    if options.top < 2:
        raise StoreError(f"--top is {options.top}; use 2 or more: one is compared with another")
    if options.rows < 1:
        raise StoreError(f"--rows is {options.rows}; use 1 or more")
    sweep = sweep_of(options)
    folder = sweep.folder / FOLDER
    if (folder / KEY).is_file() and not options.again:
        raise StoreError(
            f"{folder} has a sheet, and its answers could not be read any more; move it away, or add --again"
        )
    from slimtune.sweeper.review.answers import answers_of_best
    from slimtune.sweeper.review.sheet import blind_sheet, differing_rows, key_values
    from slimtune.sweeper.review.sheet_files import sheet_page, sheet_table

    judged = answers_of_best(sweep, top=options.top, num_rows=options.rows, seed=options.seed, trust=options.trust)
    differing = differing_rows(judged.rows, num_validation=judged.num_validation)
    sheet = blind_sheet(sweep.name, differing, most=options.rows, seed=options.seed, show_references=options.references)
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / PAGE, sheet_page(sheet))
    write_text(folder / TABLE, sheet_table(sheet))
    write_text(folder / KEY, json_text({**key_values(sheet), "trials": list(judged.trials)}, indent=1))
    print(f"{counted(len(sheet.rows), 'row')} in which trials {', '.join(map(str, judged.trials))} differ:")
    print(f"  to click through  {folder / PAGE}")
    print(f"  as a table        {folder / TABLE}")
    print(f"send reviewers one of them, and not {KEY}, which says whose answer is whose; then")
    print(f"  slimtune review read {told_words(options, sweep)} <their files>")
    return 0


def _read(options: argparse.Namespace) -> int:
    sweep = sweep_of(options)
    path = sweep.folder / FOLDER / KEY
    if not path.is_file():
        raise StoreError(
            f"there is no {path}; slimtune review make {told_words(options, sweep)} writes a sheet with its key"
        )
    from slimtune.sweeper.review.sheet import read_key
    from slimtune.sweeper.review.verdicts import read_verdicts, review_of

    try:
        values: dict[str, Any] = json.loads(path.read_text("utf-8"))
        key, trials = read_key(values), [int(number) for number in values["trials"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"{path} is broken ({error}); make the sheet anew with --again") from error
    _check_store(sweep, options.tracking_uri)
    verdicts = [one for file in options.files for one in read_verdicts(file, key)]
    review = review_of(verdicts, trials, seed=options.seed)
    write_text(sweep.folder / FOLDER / RESULT_FILE, json_text(_plain(review), indent=1))
    _show(review)
    print(_logged(sweep, review, options.tracking_uri))
    return 0


def _check_store(sweep: "NamedSweep", tracking_uri: str | None) -> None:
    from slimtune.sweeper.reporting.places.noted import noted_place
    from slimtune.sweeper.study.loaded import load_study_attrs
    from slimtune.training.tracking.places.place import check_store

    check_store(noted_place(load_study_attrs(sweep.storage, sweep.name)), tracking_uri)


def _plain(review: "Review") -> dict[str, Any]:
    return {**review._asdict(), "preferences": [one._asdict() for one in review.preferences]}


def _show(review: "Review") -> None:
    from rich.console import Console

    from slimtune.sweeper.reporting.stages.stage_lines import print_line
    from slimtune.sweeper.reporting.terminal import plain_table
    from slimtune.training.fitted_table import print_table

    console = Console()
    title = f"preferred in {counted(review.num_rows, 'row')}, by {', '.join(review.reviewers)}; 95 % intervals"
    print_line(console, title)
    rows = [
        (str(one.trial), f"{100 * one.share:.1f} %", f"{100 * one.low:.1f} to {100 * one.high:.1f} %")
        for one in review.preferences
    ]
    print_table(console, plain_table(("trial", "preferred", "interval"), rows))
    if review.agreement is not None:
        print(f"two reviewers of a row chose alike in {100 * review.agreement:.0f} % of the cases")


def _logged(sweep: "NamedSweep", review: "Review", tracking_uri: str | None) -> str:
    """Log the preferences on the trials' runs, and all of it on the sweep's; what to tell the user."""
    from slimtune.sweeper.reporting.places.sweep_words import sweep_words
    from slimtune.sweeper.study import load_study_trials
    from slimtune.sweeper.study.record import PARENT_RUN
    from slimtune.training.tracking.journal import QUEUED
    from slimtune.training.tracking.mlflow_runs import run_in
    from slimtune.training.tracking.uri import sqlite_path
    from slimtune.training.tracking.uri import tracking_uri as uri_of

    uri = uri_of(tracking_uri)
    store = sqlite_path(uri)
    if store is not None and not store.is_file():
        return f"not logged: there is no {store} (--tracking-uri)"
    loaded = load_study_trials(sweep.storage, sweep.name)
    ids = {trial.number: trial.run_id for trial in loaded.trials}
    logged = 0
    for one in review.preferences:
        run = run_in(uri, ids.get(one.trial))
        if run is not None:
            run.log_metrics(
                {"review/preference": one.share, "review/preference_low": one.low, "review/preference_high": one.high}
            )
            logged += 1
    parent = run_in(uri, loaded.attrs.get(PARENT_RUN))
    if parent is not None:
        parent.log_text(json_text(_plain(review), indent=1), RESULT_FILE)
        parent.log_metrics({"review/rows": float(review.num_rows)})
        if review.agreement is not None:
            parent.log_metrics({"review/agreement": review.agreement})
    if logged:
        return f"logged on the runs of {counted(logged, 'trial')}"
    waits = any((ids.get(one.trial) or "").startswith(QUEUED) for one in review.preferences)
    repair = f"; slimtune sync {sweep_words(sweep.name, sweep.folder)} sends them" if waits else ""
    return f"not logged: the tracker has none of the runs{repair}"


def command_parser() -> argparse.ArgumentParser:
    """What can be given on the command line."""
    parser = CommandParser(prog="slimtune review", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True, metavar="make | read")
    make = actions.add_parser("make", help="write a blind sheet")
    add_sweep(make)
    make.add_argument("--top", type=int, default=3, help="the best trials that are compared (default: 3)")
    make.add_argument("--rows", type=int, default=40, help="validation rows on the sheet (default: 40)")
    make.add_argument("--references", action="store_true", help="show the expected answers too")
    make.add_argument("--again", action="store_true", help="replace a sheet that is there")
    make.add_argument("--trust", action="store_true", help=TRUST_HELP)
    read = actions.add_parser("read", help="read what reviewers chose, and log it")
    add_sweep(read)
    read.add_argument("files", nargs="+", type=home_path, help="CSV files that came back")
    read.add_argument("--tracking-uri", help=f"MLflow store ({USUAL_STORE})")
    for action in (make, read):
        action.add_argument("--seed", type=int, default=1, help="of the rows, letters and intervals (default: 1)")
    return parser
