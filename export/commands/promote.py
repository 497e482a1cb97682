"""`slimtune promote`: the gate, and the alias for who passes it."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from slimtune.export.commands.terminal_text import tell
from slimtune.export.evaluation.find_model import check_row_files
from slimtune.export.runtime.row_notes import said_of_empty
from slimtune.training.config.trust import TRUST_HELP
from slimtune.training.errors import ModelError

if TYPE_CHECKING:
    from slimtune.export.bundle.bundle import Bundle
    from slimtune.export.registry.gate import OnRows


def run(arguments: Sequence[str]) -> int:
    """Give a registered version an alias, if it is better than who has it now.

    Raises:
        ModelError: The version does not exist, or the gate refuses it.
    """
    options = _parser().parse_args(arguments)
    from slimtune.export.registry.gate import GateDecision, decide
    from slimtune.export.registry.mlflow_registry import (
        FilesGone,
        alias_version,
        fetch,
        find_version,
        holder,
        set_alias,
    )
    from slimtune.export.registry.model_uri import MODELS_URI, store_of

    if not options.model.startswith(MODELS_URI):
        raise ModelError(f"--model {options.model}: promote takes a registered version, models:/<name>/<version>")
    uri = store_of(options.tracking_uri)
    version = find_version(uri, options.model)
    if alias_version(uri, version.name, options.alias) == version.version:
        print(f"{version.uri} is {options.alias} of {version.name} already")
        return 0
    candidate = fetch(uri, version.uri, trust=options.trust)
    rows = _rows(options, candidate) if options.data else None
    try:
        champion = holder(uri, version.name, options.alias, trust=options.trust)
        decision = decide(candidate, champion, rows)
    except FilesGone as gone:
        decision = GateDecision(True, str(gone))
    if not decision.passed:
        raise ModelError(f"{version.uri} does not become {options.alias}: {decision.reason}")
    before = set_alias(uri, version, options.alias)
    was = f" (was version {before})" if before else ""
    print(f"{version.uri} is now {options.alias} of {version.name}{was}: {decision.reason}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="slimtune promote", description=__doc__)
    parser.add_argument("--model", required=True, help="models:/<name>/<version>")
    parser.add_argument("--alias", default="champion", help="the alias to give (default: champion)")
    parser.add_argument("--data", help="labelled rows to score both models on")
    parser.add_argument("--text-column", help="column of the text in --data (default: text, or the training data's)")
    parser.add_argument("--text-pair-column", help="of the second text, for a model of pairs")
    parser.add_argument("--label-column", help="column of the label or answer in --data")
    parser.add_argument("--tracking-uri", help="MLflow store (default: mlruns/mlflow.db)")
    parser.add_argument("--trust", action="store_true", help=TRUST_HELP)
    return parser


def _rows(options: argparse.Namespace, bundle: "Bundle") -> "OnRows":
    check_row_files(options.data, bundle.folder)
    from slimtune.export.evaluation.bundle_score import on_rows
    from slimtune.export.evaluation.evaluate_model import EvaluationColumns, bundle_rows

    columns = EvaluationColumns(options.text_column, options.label_column, options.text_pair_column)
    given = bundle_rows(bundle, options.data, columns, trust=options.trust)
    if given.left_out:
        tell(said_of_empty(given.left_out, then="is not scored"))
    for note in given.notes:
        tell(note)
    return on_rows(bundle, given.scored, trust=options.trust)
