"""What becomes of the winner: test read once, exported, registered. Each stage is done once, also over a restart."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from slimtune.export.bundle.bundle import Bundle, open_bundle
from slimtune.export.bundle.model_card import predict_arguments
from slimtune.export.config import OnnxExport
from slimtune.export.evaluation.bundle_score import on_rows
from slimtune.export.pipeline import PICTURE, REPORT, export_checkpoint
from slimtune.export.registry.gate import Decision, decide
from slimtune.export.registry.mlflow_registry import RegisteredVersion, alias_version, holder, register, set_alias
from slimtune.export.verification.check import MEASURED
from slimtune.sweeper.campaigns.selection import Candidate
from slimtune.sweeper.reporting.parent_run import lineage_of
from slimtune.sweeper.search.sweep import SweepRequest
from slimtune.sweeper.study import Study
from slimtune.training.config.tracking import TrackingConfig
from slimtune.training.config.trial import parse_trial
from slimtune.training.data.splits import load_splits
from slimtune.training.evaluation.test_score import read_test
from slimtune.training.tracking.mlflow_runs import MlflowRun, Tracker
from slimtune.training.tracking.uri import tracking_uri

Stage = dict[str, Any]
# folder of the sweep
EXPORT = "export"


def once(study: Study, name: str, key: object, make: Callable[[], Stage]) -> Stage:
    """The result of a stage, from an earlier run of the command or made now.

    Args:
        key: What the stage depends on: another winner or another export config makes it anew.
    """
    known = study.attrs().get(name)
    if known is None or known["key"] != str(key):
        known = {"key": str(key), "result": make()}
        study.set_attr(name, known)
    result: Stage = known["result"]
    return result


def test_stage(checkpoint: Path, *, seed: int) -> Stage:
    """The winner's test scores; empty if the data has no test rows."""
    result = read_test(checkpoint, seed=seed)
    if result is None:
        return {}
    return {
        "num_rows": result.num_rows,
        "scores": {name: item._asdict() for name, item in result.scores.items()},
        "details": dict(result.details),
    }


def export_stage(request: SweepRequest, limits: OnnxExport, chosen: Candidate, *, run: int, test: Stage) -> Stage:
    """Export the chosen run of the winner into `export/` of the sweep's folder."""
    facts = {
        "sweep": request.search.config.name,
        "trial": chosen.number,
        "source_run": chosen.run_ids[run],
        "params": dict(chosen.params),
        "validation_over_seeds": {"mean": chosen.mean, "spread": chosen.spread, "num_seeds": len(chosen.scores)},
        "test": test or None,
    }
    exported = export_checkpoint(chosen.checkpoints[run], limits, request.folder / EXPORT, facts=facts)
    arguments = predict_arguments(exported.bundle.manifest) if exported.bundle else ""
    return {**exported.as_dict(), "arguments": arguments}


def log_refused(run: MlflowRun, folder: Path) -> None:
    """What was measured of variants of which none passed: there is no run of an export to keep it."""
    for name in (REPORT, PICTURE):
        run.log_file(folder / EXPORT / name)


def register_stage(
    request: SweepRequest, tracked: TrackingConfig, limits: OnnxExport, *, exported: Stage, parent: MlflowRun
) -> Stage:
    """Register the bundle from a child run of its own, and give it the alias if it passes the gate."""
    uri = tracking_uri(tracked.uri)
    bundle = open_bundle(Path(exported["bundle"]))
    lineage = lineage_of(request, kind="export", name=f"export {exported['chosen']}", parent_run_id=parent.run_id)
    run = Tracker(tracked, request.search.config.name).start(lineage)
    run.log_metrics(_variant_metrics(exported))
    for name in (REPORT, PICTURE):
        run.log_file(request.folder / EXPORT / name)
    run.log_params({key: bundle.manifest[key] for key in ("variant", "opset", "base_model", "method")})
    assert run.run_id is not None
    version = register(uri, bundle, limits.registered_model, run_id=run.run_id)
    run.end(state="complete")
    decision = _decide(request, uri, limits, candidate=bundle, version=version)
    before = set_alias(uri, version, limits.alias if decision.passed else "challenger")
    return {
        "name": version.name,
        "version": version.version,
        "alias": limits.alias if decision.passed else "challenger",
        "before": before,
        "passed": decision.passed,
        "reason": decision.reason,
    }


def _decide(
    request: SweepRequest, uri: str, limits: OnnxExport, *, candidate: Bundle, version: RegisteredVersion
) -> Decision:
    if alias_version(uri, version.name, limits.alias) == version.version:
        return Decision(True, "it was champion already")
    champion = holder(uri, version.name, limits.alias)
    if champion is None or champion.manifest["data_fingerprint"] == candidate.manifest["data_fingerprint"]:
        return decide(candidate, champion, None)
    # the champion was measured on other rows: both are scored on those of this sweep
    rows = load_splits(parse_trial(request.values).section).validation
    return decide(candidate, champion, on_rows(candidate, rows))


def _variant_metrics(exported: Mapping[str, Any]) -> dict[str, float]:
    found = {f"{item['name']}/{name}": float(item[name]) for item in exported["reports"] for name in MEASURED}
    # a stage of an earlier version has none
    for kind in ("genai", "few_bits"):
        for item in exported.get(kind, ()):
            numbers = {name: float(value) for name, value in item.items() if name != "name"}
            found |= {f"{kind} {item['name']}/{name}": value for name, value in numbers.items()}
    return found
