"""The winner's bundle in the registry, once, and its alias if it passes the gate."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

from slimtune.export.bundle.bundle import open_bundle
from slimtune.export.config import CHALLENGER, OnnxExport
from slimtune.export.promotion.candidate import Candidate
from slimtune.export.promotion.config import PromotionConfig, gate_overrides
from slimtune.export.promotion.promote import PromotionRequest, promote
from slimtune.export.registry.mlflow_registry import is_registered, register
from slimtune.export.registry.model_uri import CHAMPION
from slimtune.export.verification.check import MEASURED
from slimtune.sweeper.campaigns.winner_stages import Stage, apart_from_place, log_verification, once
from slimtune.sweeper.reporting.parent_run import lineage_of
from slimtune.sweeper.reporting.places.sweep_words import words_of
from slimtune.sweeper.reporting.stages.stage_lines import print_line
from slimtune.sweeper.reporting.terminal import print_registered
from slimtune.sweeper.search.request import SweepRequest
from slimtune.sweeper.study import Study
from slimtune.training.config.tracking import TrackerName, TrackingConfig, TrackingMode
from slimtune.training.config.trial import parse_trial
from slimtune.training.config.trust import code_of
from slimtune.training.errors import DataError, ModelError, StoreError
from slimtune.training.tracking.line import TrackerAway, first_line, is_outage
from slimtune.training.tracking.outbox_run import line_to, open_run
from slimtune.training.tracking.run import TrackedRun
from slimtune.training.tracking.uri import tracking_uri


def why_unregistered(export: object, tracking: TrackingConfig) -> str | None:
    """The line that says which choices keep a winner out of the registry; None where it is registered."""
    keeping = [] if isinstance(export, OnnxExport) else ["export=none"]
    keeping += ["tracking=none"] if tracking.name is TrackerName.none else []
    if not keeping:
        return None
    other = {"export=none": "export=onnx", "tracking=none": "tracking=mlflow"}
    return f"not registered: {' and '.join(keeping)}; a sweep with {' '.join(other[one] for one in keeping)} registers"


class WinnerRegistration(NamedTuple):
    """Where a sweep's winner is registered, and by which rules it gets the alias.

    Attributes:
        request: The sweep's.
        tracking: With the registry.
        export: Of the winner, with the name of the registered model.
        rules: Of the gate.
    """

    request: SweepRequest
    tracking: TrackingConfig
    export: OnnxExport
    rules: PromotionConfig

    def registered(self, exported: Stage, study: Study, parent: TrackedRun, console: Console) -> Stage | None:
        """The registered version; None where the tracker is away, which is told.

        Args:
            exported: With the bundle.
            study: Remembers it.
            parent: The sweep's own run.
            console: Where it is told.
        """
        resume = f"slimtune resume {words_of(self.request)}"
        if self.tracking.mode is TrackingMode.offline:
            print_line(console, f"not registered: tracking.mode=offline; later: {resume} tracking.mode=online")
            return None
        try:
            registered = self._once(exported, study, parent)
        except Exception as error:
            if not is_outage(error):
                raise
            away = f"the tracker is away ({first_line(error)})"
            print_line(console, f"not registered: {away}; later: {resume}")
            return None
        print_registered(console, registered)
        return registered

    def _once(self, exported: Stage, study: Study, parent: TrackedRun) -> Stage:
        return once(
            study,
            "registered",
            (apart_from_place(exported), self.export, self.rules),
            lambda: self.register(exported, parent),
            is_there=lambda stage: is_registered(tracking_uri(self.tracking.uri), stage["name"], stage["version"]),
        )

    def register(self, exported: Stage, parent: TrackedRun) -> Stage:
        """Register the bundle from a child run of its own, and give it the alias if it passes the gate.

        Raises:
            TrackerAway: The run cannot be sent.
        """
        uri = tracking_uri(self.tracking.uri)
        line = line_to(self.tracking, self.request.search.config.name)
        if line.ask(lambda store: store) is None:
            raise TrackerAway(line.why or "the tracker is away")
        bundle = open_bundle(Path(exported["bundle"]))
        lineage = lineage_of(
            self.request, kind="export", name=f"export {exported['chosen']}", parent_run_id=parent.run_id
        )
        # an attempt at the same that was cut off is gone on with
        what = json.dumps([apart_from_place(exported), parent.run_id], sort_keys=True, default=str)
        run = open_run(line, lineage, key=f"export-{hashlib.sha256(what.encode()).hexdigest()[:24]}")
        run.log_metrics(_variant_metrics(exported))
        log_verification(run, self.request.folder)
        manifest = bundle.manifest
        params = {"variant": manifest.variant, "opset": manifest.opset}
        run.log_params({**params, "base_model": manifest.training.base_model, "method": manifest.training.method})
        if run.run_id is None or not run.is_there:
            run.end(state="interrupted", failed=True)
            raise TrackerAway(line.why or "the tracker is away")
        try:
            version = register(uri, bundle, self.export.registered_model, run_id=run.run_id)
        except BaseException:
            run.end(state="interrupted", failed=True)
            raise
        run.end(state="complete")
        candidate = Candidate(version.name, version, bundle)
        return {
            "name": version.name,
            "version": version.version,
            "gate": [*gate_words(self.export.alias, self.rules), *["--trust"] * self._names_code()],
            **_promoted(candidate, PromotionRequest(uri, self.rules, self.export.alias)),
        }

    def _names_code(self) -> bool:
        """Whether the bundle's config names code, which another command runs only when it is told to."""
        return bool(code_of(parse_trial(self.request.tried).section))


def gate_words(alias: str, rules: PromotionConfig) -> list[str]:
    """What `slimtune promote` is told for an alias and the gate's rules; nothing for the usual ones."""
    return [*([] if alias == CHAMPION else ["--alias", alias]), *gate_overrides(rules)]


def _promoted(candidate: Candidate, asked: PromotionRequest) -> Stage:
    try:
        promotion = promote(candidate, asked)
    except TrackerAway:
        # tried again by a resumption
        raise
    except (ModelError, DataError, StoreError) as error:
        # the search is done: the version is kept, and a person decides
        reason = f"it was not compared with the {asked.alias}: {error}; then: slimtune promote {candidate.uri}"
        return {"alias": None, "before": None, "passed": False, "reason": reason}
    reason = f"it was {asked.alias} already" if promotion.decision is None else promotion.decision.reason
    if promotion.is_dropped:
        reason = f"{reason}; it is {CHALLENGER} no more"
    passed = promotion.alias == asked.alias
    compared = None if promotion.decision is None else promotion.decision.comparison
    notes = [] if compared is None else list(compared.notes)
    return {"alias": promotion.alias, "before": promotion.before, "passed": passed, "reason": reason, "notes": notes}


def _variant_metrics(exported: Mapping[str, Any]) -> dict[str, float]:
    found = {f"{item['name']}/{name}": float(item[name]) for item in exported["reports"] for name in MEASURED}
    for kind in ("genai", "merged", "bitsandbytes"):
        for item in exported.get(kind, ()):
            numbers = {name: float(value) for name, value in item.items() if name != "name"}
            found |= {f"{kind} {item['name']}/{name}": value for name, value in numbers.items()}
    return found
