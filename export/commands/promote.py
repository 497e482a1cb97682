"""`slimtune promote`: the gate, and the alias for who passes it."""

import argparse
import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from slimtune.export.commands.command_parser import CommandParser
from slimtune.export.commands.terminal_text import print_below, print_safely, print_sentence, tell
from slimtune.export.config import ALIAS_RULE, CHALLENGER, is_alias
from slimtune.export.promotion.config import LEAVE_OUT_KNOWN, promotion_config, promotion_keys
from slimtune.export.registry.model_uri import CHAMPION, store_of, told_before, version_uri
from slimtune.export.registry.serve_commands import KEEPS_SERVING
from slimtune.training.atomic_files import write_json
from slimtune.training.config.trust import TRUST_HELP
from slimtune.training.errors import ModelError, NotPromoted
from slimtune.training.tracking.uri import without_password
from slimtune.training.usual_places import USUAL_STORE, at_home
from slimtune.training.writable_folder import check_writable

if TYPE_CHECKING:
    from slimtune.export.promotion.candidate import Candidate
    from slimtune.export.promotion.compared_rows import Rows
    from slimtune.export.promotion.promote import Promotion
    from slimtune.export.registry.version_facts import Registrable

SOURCE_HELP = (
    "a sweep by its name or folder, a run's id, a bundle's folder, models:/<name>/<version> or models:/<name>@<alias>"
)


def run(arguments: Sequence[str]) -> int:
    """Give a version an alias, if it passes the gate.

    Raises:
        NotPromoted: The gate refuses it, or its gain is not shown.
        UserError: A model, a file or the config cannot be used.
    """
    options = command_parser().parse_intermixed_args(arguments)
    config = promotion_config(options.override)
    if not is_alias(options.alias):
        raise ModelError(f"--alias is '{options.alias}'; {ALIAS_RULE}")
    if options.report is not None:
        check_writable(Path(options.report).absolute().parent, "the folder of --report")
    candidate, uri = candidate_of(options, is_dry=options.dry_run)
    if options.leave_out_known and options.data is None:
        raise ModelError(f"{LEAVE_OUT_KNOWN} is of the rows of --data, which is not given; give it, or leave both out")
    rows = None if options.data is None else _rows(options, candidate)
    from slimtune.export.promotion.promote import REVIEWED_BY, PromotionRequest, promote
    from slimtune.export.registry.version_notes import tag_version

    if options.reviewed_by and candidate.version is not None and not options.dry_run:
        tag_version(uri, candidate.version, {REVIEWED_BY: options.reviewed_by})
    request = PromotionRequest(
        uri,
        config,
        options.alias,
        rows=None if rows is None else lambda _: rows,
        trust=options.trust,
        is_dry=options.dry_run,
        reviewed_by=options.reviewed_by,
    )
    promotion = promote(candidate, request)
    return _told(promotion, candidate, options, uri, told=() if rows is None else rows.notes)


def candidate_of(options: argparse.Namespace, *, is_dry: bool = False) -> tuple["Candidate", str]:
    """What is promoted or registered, and the store.

    Args:
        options: With `source`, `name`, `tracking_uri` and `trust`.
        is_dry: Whether nothing may be registered.

    Raises:
        ModelError: There is no such model, or it needs a name.
    """
    from slimtune.export.promotion import source as sources

    if sources.is_registered_name(options.source):
        uri = store_of(options.tracking_uri)
        return sources.registered_candidate(uri, options.source, options.name, trust=options.trust), uri
    from slimtune.training.tracking.places.place import check_store, noted_beside

    model = sources.opened_source(options.source, trust=options.trust)
    check_store(noted_beside(model.folder), options.tracking_uri)
    name = sources.name_for(model, options.name, source=options.source, store=options.tracking_uri)
    from slimtune.training.tracking.uri import tracking_uri

    uri = store_of(options.tracking_uri) if is_dry else tracking_uri(options.tracking_uri)
    return sources.folder_candidate(uri, model, name, is_dry=is_dry), uri


def command_parser() -> argparse.ArgumentParser:
    """What can be given on the command line."""
    parser = CommandParser(prog="slimtune promote", description=__doc__, takes_keys=True)
    parser.keys = promotion_keys
    parser.add_argument("source", help=SOURCE_HELP)
    parser.add_argument("--name", help="of the registered model, for what is not registered yet")
    parser.add_argument("--alias", default=CHAMPION, help="the alias to give (default: champion)")
    parser.add_argument("--data", help="labelled rows to score both models on (default: the validation rows)")
    parser.add_argument("--text-column", help="column of the text in --data (default: text, or the training data's)")
    parser.add_argument("--text-pair-column", help="of the second text, for a model of pairs")
    parser.add_argument("--label-column", help="column of the label or answer in --data")
    parser.add_argument(
        LEAVE_OUT_KNOWN, action="store_true", help="compare without the rows of --data that the model was trained on"
    )
    parser.add_argument("--reviewed-by", help="who has looked at the model; kept as the version's tag reviewed_by")
    parser.add_argument("--dry-run", action="store_true", help="say what would become of it, and move nothing")
    parser.add_argument("--report", type=at_home, help="file to write gate_report.json to as well")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--tracking-uri", help=f"MLflow store ({USUAL_STORE})")
    parser.add_argument("--trust", action="store_true", help=TRUST_HELP)
    parser.add_argument(
        "override", nargs="*", default=[], help="the gate's rules, e.g. promotion=strict promotion.min_gain=0.01"
    )
    return parser


def _again(options: argparse.Namespace, named: str) -> str:
    """The command for another comparison by the same rules; rows are to be others, for these show no gain."""
    given = {
        "--alias": None if options.alias == CHAMPION else options.alias,
        "--text-column": options.text_column,
        "--text-pair-column": options.text_pair_column,
        "--label-column": options.label_column,
        "--tracking-uri": None if options.tracking_uri is None else without_password(options.tracking_uri),
    }
    told = [word for option, value in given.items() if value is not None for word in (option, value)]
    trust = [LEAVE_OUT_KNOWN] * options.leave_out_known + ["--trust"] * options.trust
    return shlex.join(["slimtune", "promote", named, "--data", "more.jsonl", *told, *trust, *options.override])


def _rows(options: argparse.Namespace, candidate: "Candidate") -> "Rows":
    """Read at once: what is wrong with them is told whoever has the alias."""
    from slimtune.export.bundle.bundle import Bundle
    from slimtune.export.evaluation.evaluate_model import EvaluationColumns
    from slimtune.export.promotion.compared_rows import given_rows_of
    from slimtune.training.data.labelled_rows import BY_OPTION

    columns = EvaluationColumns(options.text_column, options.label_column, options.text_pair_column, BY_OPTION)
    if not isinstance(candidate.model, Bundle):
        raise ModelError(f"--data is {options.data}, and {candidate.uri} has several adapters; leave --data out")
    rows = given_rows_of(
        candidate.model, options.data, columns, trust=options.trust, without_known=options.leave_out_known
    )
    for note in rows.notes:
        tell(note)
    return rows


def _told(
    promotion: "Promotion", candidate: "Candidate", options: argparse.Namespace, uri: str, *, told: Sequence[str]
) -> int:
    report = {**promotion.report, "dry_run": options.dry_run}
    if options.report is not None:
        write_json(Path(options.report), report)
    if options.json:
        print(json.dumps(report, indent=1, ensure_ascii=False))
    elif promotion.decision is None:
        print_sentence(f"{candidate.uri} is {options.alias} of {candidate.name} already")
    else:
        width = max([9, *(len(rule.outcome.value) for rule in promotion.decision.rules)])
        for rule in promotion.decision.rules:
            print_below(f"{rule.outcome.value:<{width}}  {rule.rule:<14}  ", rule.told)
        for note in promotion.decision.comparison.notes if promotion.decision.comparison else ():
            if note not in told:
                tell(note)
    if promotion.decision is None:
        return 0
    code = _ended(promotion, candidate, options)
    if candidate.version is not None and not (options.json or options.dry_run):
        _print_commands(candidate.model, version_uri(*candidate.version, options.alias), uri)
    return code


def _print_commands(model: "Registrable", named: str, uri: str) -> None:
    from slimtune.export.registry.serve_commands import serve_commands
    from slimtune.export.registry.signature import row_to_send

    commands = serve_commands(named, uri, row_to_send(model))
    print_safely("look further:")
    width = max(len(what) for what in commands)
    for what, command in commands.items():
        print_safely(f"  {what:<{width}}  {command}")


def _ended(promotion: "Promotion", candidate: "Candidate", options: argparse.Namespace) -> int:
    decision, name, alias = promotion.decision, candidate.name, options.alias
    assert decision is not None
    version = candidate.version and candidate.version.version
    has_it = promotion.before is not None and str(promotion.before) == str(version)
    would = ("would stay" if options.dry_run else "stays") if has_it else "would be" if options.dry_run else "is now"
    was = told_before(promotion.before, version)
    if promotion.alias == alias:
        if not options.json:
            print_sentence(f"{candidate.uri} {would} {alias} of {name}{was}: {decision.reason}")
            if promotion.before and not options.dry_run:
                print_sentence(KEEPS_SERVING.format(version=promotion.before))
        return 0
    if promotion.alias is not None:
        again = f"; compare it again, on more rows, with: {_again(options, f'models:/{name}@{promotion.alias}')}"
        kept = f"it {would} {promotion.alias}{was}{'' if options.dry_run else again}"
        raise NotPromoted(f"{candidate.uri} does not become {alias}: {decision.reason}; {kept}")
    lost = ""
    if promotion.is_dropped:
        lost = f"; it {'would be' if options.dry_run else 'is'} {CHALLENGER} no more"
    raise NotPromoted(f"{candidate.uri} does not become {alias}: {decision.reason}{lost}")
